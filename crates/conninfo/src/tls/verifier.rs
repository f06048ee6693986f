//! The check of the server's certificate: rustls's own, and the three things it refuses that libpq accepts.
//!
//! 1. Where nothing is to be verified (`require` without a root certificate, and the weaker modes), rustls
//!    still parses the certificate for its public key and refuses X.509 version 1, which `openssl x509 -req`
//!    made for decades. The key of such a certificate is read here, and the handshake's signature checked with it.
//! 2. rustls never takes a self-signed certificate as its own authority, which is what the
//!    Postgres manual tells people to make. Here it passes when it is, byte for byte, one of the given root
//!    certificates, and within its time: whoever answers holds the private key of a certificate that was trusted by name.
//! 3. rustls reads host names from subjectAltName only. Like libpq, the common name counts where the
//!    certificate has no alternative name of the host's kind.
//!
//! A version 1 certificate that an authority signed stays refused where it is to be verified; libpq accepts it.
//! Everything else is rustls's and webpki's: chains, validity, alternative names, and in every mode the
//! signature of the handshake, so that the server is known to hold the key of the certificate it shows.

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{
        CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
        verify_tls13_signature_with_raw_key,
    },
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    server::ParsedCertificate,
};
use webpki::RawPublicKeyEntity;
use x509_cert::{
    Certificate, Version,
    der::{Decode, Encode, oid::db::rfc4519::COMMON_NAME},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// The certificates that are trusted.
#[derive(Debug)]
pub(super) struct Anchors {
    pub(super) authorities: RootCertStore,
    /// The root certificates as given, to recognise one that the server shows as its own.
    pub(super) given: Vec<CertificateDer<'static>>,
    pub(super) check_name: bool,
}

/// Checks a server's certificate against the anchors, or only its possession where there are none.
#[derive(Debug)]
pub(super) struct Verifier {
    anchors: Option<Anchors>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub(super) fn new(anchors: Option<Anchors>, provider: &CryptoProvider) -> Self {
        Self { anchors, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(Anchors { authorities, given, check_name }) = &self.anchors else {
            return Ok(ServerCertVerified::assertion());
        };
        if given.contains(certificate) && is_self_issued(certificate)? {
            check_validity(certificate, now)?;
        } else {
            let parsed = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &parsed,
                authorities,
                intermediates,
                now,
                algorithms,
            )?;
        }
        if *check_name {
            check_host_name(certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(key) = version_1_key(certificate) else {
            return verify_tls12_signature(message, certificate, signed, &self.algorithms);
        };
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let mut schemes = self.algorithms.mapping.iter();
        let (_, candidates) = schemes
            .find(|(scheme, _)| *scheme == signed.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        // TLS 1.2 does not say which curve an ECDSA scheme means: the one that fits the key counts.
        let valid = candidates
            .iter()
            .any(|algorithm| key.verify_signature(*algorithm, message, signed.signature()).is_ok());
        if !valid {
            return Err(CertificateError::BadSignature.into());
        }
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match version_1_key(certificate) {
            Some(key) => {
                verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
            }
            None => verify_tls13_signature(message, certificate, signed, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// The public key of an X.509 version 1 certificate; none for the versions that rustls reads itself.
fn version_1_key(certificate: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    let fields = Certificate::from_der(certificate).ok()?.tbs_certificate;
    if fields.version != Version::V1 {
        return None;
    }
    fields.subject_public_key_info.to_der().ok().map(SubjectPublicKeyInfoDer::from)
}

fn is_self_issued(certificate: &CertificateDer<'_>) -> Result<bool, Error> {
    let fields = parse(certificate)?.tbs_certificate;
    Ok(fields.issuer == fields.subject)
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let validity = parse(certificate)?.tbs_certificate.validity;
    let now = now.as_secs();
    if now < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

fn check_host_name(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
) -> Result<(), Error> {
    let by_alternative_name = ParsedCertificate::try_from(certificate)
        .and_then(|parsed| verify_server_name(&parsed, server_name));
    let Err(refusal) = by_alternative_name else { return Ok(()) };
    match common_name(certificate, server_name) {
        Some(name) if name_covers(&name, server_name) => Ok(()),
        Some(_) => Err(CertificateError::NotValidForName.into()),
        None => Err(refusal),
    }
}

/// The subject's common name, where no alternative name of the host's kind takes precedence over it.
fn common_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> Option<String> {
    let fields = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let of_the_hosts_kind = |name: &GeneralName| match server_name {
        ServerName::IpAddress(_) => matches!(name, GeneralName::IpAddress(_)),
        _ => matches!(name, GeneralName::DnsName(_)),
    };
    // An extension that cannot be read might hold such a name: then the common name does not count.
    let alternatives = fields.get::<SubjectAltName>().ok()?;
    if alternatives.is_some_and(|(_, names)| names.0.iter().any(of_the_hosts_kind)) {
        return None;
    }
    let attributes = fields.subject.0.iter().flat_map(|relative| relative.0.iter());
    let name = attributes.into_iter().find(|attribute| attribute.oid == COMMON_NAME)?;
    String::from_utf8(name.value.value().to_vec()).ok()
}

/// Compares as libpq does: without case, and `*.` standing for exactly one label of a host's name.
fn name_covers(pattern: &str, server_name: &ServerName<'_>) -> bool {
    let host = server_name.to_str();
    if pattern.eq_ignore_ascii_case(&host) {
        return true;
    }
    let wildcard =
        matches!(server_name, ServerName::DnsName(_)).then(|| pattern.strip_prefix("*."));
    match (wildcard.flatten(), host.split_once('.')) {
        (Some(domain), Some((label, parent))) => {
            !label.is_empty() && !domain.is_empty() && domain.eq_ignore_ascii_case(parent)
        }
        _ => false,
    }
}
