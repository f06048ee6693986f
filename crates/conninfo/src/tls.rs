//! TLS to Postgres as libpq does it, with rustls and aws-lc-rs.
//!
//! - A root certificate, named by `sslrootcert` or found as `~/.postgresql/root.crt`, is always
//!   checked against, so `require` with one behaves like `verify-ca`; without one, the weaker modes check nothing.
//! - `verify-ca` and `verify-full` without any root certificate trust the system's authorities.
//!   libpq gives up there; but hosted Postgres has certificates that the system trusts. Such a connection
//!   also checks the host's name under `verify-ca`, since those authorities sign for anybody.
//! - `sslrootcert=system` asks for the system's authorities by name, and needs `verify-full`.
//! - A named file that is missing is an error wherever TLS may be used: libpq's `require` would go on unverified.
//! - Revocation lists are not read.

mod verifier;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use verifier::{Anchors, Verifier};

/// How much a connection insists on TLS, in libpq's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub(crate) const ALL: [(&str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What the parameters of a connection say about TLS.
pub(crate) struct Options<'a> {
    pub(crate) mode: SslMode,
    pub(crate) sslrootcert: Option<&'a str>,
    pub(crate) sslcert: Option<&'a str>,
    pub(crate) sslkey: Option<&'a str>,
    /// The directory of libpq's default files, `~/.postgresql`.
    pub(crate) defaults: Option<PathBuf>,
    pub(crate) sni: bool,
    pub(crate) direct: bool,
    pub(crate) only_tls13: bool,
}

/// Why TLS could not be prepared as the parameters ask.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no certificate could be read from {path}: it must be a file of PEM certificates")]
    Certificates { path: PathBuf, source: Option<rustls::pki_types::pem::Error> },
    #[error("no private key could be read from {path}: it must be an unencrypted PEM key")]
    Key { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error(
        "sslcert and sslkey come in pairs; if this URL is for Prisma, where sslcert is the server's \
         authority, write sslrootcert"
    )]
    HalfIdentity,
    #[error("the client certificate in sslcert cannot be used with the key in sslkey")]
    Identity(#[source] rustls::Error),
    #[error(
        "the system has no certificate authorities: install the package ca-certificates, or name a \
         file with sslrootcert"
    )]
    NoSystemRoots,
}

/// Prepares TLS once, reading every file it needs.
pub(crate) fn connector(options: &Options<'_>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(anchors(options)?, &provider);
    let mut config = client_config(provider, verifier, options)?;
    config.enable_sni = options.sni;
    if options.direct {
        // A server that skips the negotiation tells Postgres by this name.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(MakeRustlsConnect::new(config))
}

fn client_config(
    provider: Arc<CryptoProvider>,
    verifier: Verifier,
    options: &Options<'_>,
) -> Result<ClientConfig, Error> {
    let versions: &[&SupportedProtocolVersion] =
        if options.only_tls13 { &[&rustls::version::TLS13] } else { rustls::DEFAULT_VERSIONS };
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("aws-lc-rs speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    match identity(options)? {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).map_err(Error::Identity),
        None => Ok(config.with_no_client_auth()),
    }
}

/// What the server's certificate is checked against; nothing where the mode asks for no check.
fn anchors(options: &Options<'_>) -> Result<Option<Anchors>, Error> {
    if options.mode == SslMode::Disable {
        return Ok(None);
    }
    let check_name = options.mode == SslMode::VerifyFull;
    let default = options.defaults.as_ref().map(|directory| directory.join("root.crt"));
    let path = match options.sslrootcert {
        Some("system") => return system_anchors().map(Some),
        Some(path) => Some(PathBuf::from(path)),
        None => default.filter(|path| path.exists()),
    };
    match path {
        Some(path) => {
            let given = certificates(&path)?;
            let mut authorities = RootCertStore::empty();
            authorities.add_parsable_certificates(given.iter().cloned());
            Ok(Some(Anchors { authorities, given, check_name }))
        }
        None if options.mode >= SslMode::VerifyCa => system_anchors().map(Some),
        None => Ok(None),
    }
}

fn system_anchors() -> Result<Anchors, Error> {
    let mut authorities = RootCertStore::empty();
    authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if authorities.is_empty() {
        return Err(Error::NoSystemRoots);
    }
    Ok(Anchors { authorities, given: Vec::new(), check_name: true })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(options: &Options<'_>) -> Result<Option<Identity>, Error> {
    let default = |name: &str| {
        let path = options.defaults.as_ref().map(|directory| directory.join(name));
        path.filter(|path| path.exists())
    };
    let (certificate, key) = match (options.sslcert, options.sslkey) {
        (Some(certificate), Some(key)) => (PathBuf::from(certificate), PathBuf::from(key)),
        (None, None) => match (default("postgresql.crt"), default("postgresql.key")) {
            (Some(certificate), Some(key)) if options.mode != SslMode::Disable => {
                (certificate, key)
            }
            _ => return Ok(None),
        },
        _ => return Err(Error::HalfIdentity),
    };
    let chain = certificates(&certificate)?;
    match PrivateKeyDer::from_pem_file(&key) {
        Ok(key) => Ok(Some((chain, key))),
        Err(source) => Err(Error::Key { path: key, source }),
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refuse = |source| Error::Certificates { path: path.to_owned(), source };
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| refuse(Some(source)))?;
    if certificates.is_empty() { Err(refuse(None)) } else { Ok(certificates) }
}
