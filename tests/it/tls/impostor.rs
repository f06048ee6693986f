use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::Arc,
};

use rustls::{
    ServerConfig, ServerConnection, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};

/// Answers one client's request for TLS with the certificate in `directory` and a key that does not belong to it.
pub(super) fn listen(directory: &Path, version: &'static SupportedProtocolVersion) -> u16 {
    let certificate = directory.join("server.crt");
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let other = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(other.serialize_der()));
    let key = aws_lc_rs::sign::any_supported_type(&other).expect("a key for signatures");
    let pair = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a supported version")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(pair));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        let (client, _) = listener.accept().expect("a client");
        answer(client, config);
    });
    port
}

fn answer(mut client: TcpStream, config: ServerConfig) {
    let mut request_for_tls = [0; 8];
    client.read_exact(&mut request_for_tls).expect("a request for TLS");
    client.write_all(b"S").expect("an answer");
    let mut server = ServerConnection::new(Arc::new(config)).expect("a connection");
    while server.is_handshaking() && server.complete_io(&mut client).is_ok() {}
}
