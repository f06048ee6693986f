use std::{os::unix::fs::PermissionsExt, path::Path};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use x509_cert::{
    Certificate, Version,
    der::{Decode, Encode, asn1::BitString},
};

/// An authority whose root certificate is written as `<name>.crt`.
pub(super) fn authority(directory: &Path, name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = named(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority");
    std::fs::write(directory.join(format!("{name}.crt")), issuer.pem()).expect("write");
    issuer
}

/// A certificate that `issuer` signs, written as `<file>.crt` and `<file>.key`.
pub(super) fn signed(
    directory: &Path,
    file: &str,
    issuer: &CertifiedIssuer<'static, KeyPair>,
    common_name: &str,
    alternatives: &[&str],
) {
    let key = key();
    let certificate = named(common_name, alternatives).signed_by(&key, issuer).expect("signed");
    write_pair(directory, file, &certificate.pem(), &key);
}

/// The server certificate that the Postgres manual describes: self-signed, an authority, its name only in the
/// subject.
pub(super) fn self_signed(directory: &Path, common_name: &str, last_year: i32) {
    let mut params = named(common_name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let key = key();
    let certificate = params.self_signed(&key).expect("self-signed");
    write_pair(directory, "server", &certificate.pem(), &key);
}

pub(super) fn version_3(directory: &Path, common_name: &str) {
    self_signed(directory, common_name, 2100);
}

/// The same in X.509 version 1, which has no extensions.
pub(super) fn version_1(directory: &Path, common_name: &str) {
    let key = key();
    let modern = named(common_name, &[]).self_signed(&key).expect("self-signed");
    let mut certificate = Certificate::from_der(modern.der()).expect("a certificate");
    certificate.tbs_certificate.version = Version::V1;
    certificate.tbs_certificate.extensions = None;
    let body = certificate.tbs_certificate.to_der().expect("der");
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let signer = EcdsaKeyPair::from_pkcs8(algorithm, &key.serialize_der()).expect("a key");
    let signature = signer.sign(&SystemRandom::new(), &body).expect("a signature");
    certificate.signature = BitString::from_bytes(signature.as_ref()).expect("bits");
    write_pair(directory, "server", &pem(&certificate.to_der().expect("der")), &key);
}

fn key() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key")
}

fn named(common_name: &str, alternatives: &[&str]) -> CertificateParams {
    let names: Vec<_> = alternatives.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn write_pair(directory: &Path, file: &str, certificate: &str, key: &KeyPair) {
    std::fs::write(directory.join(format!("{file}.crt")), certificate).expect("write");
    let path = directory.join(format!("{file}.key"));
    std::fs::write(&path, key.serialize_pem()).expect("write");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
