//! Which keys of a key set are used.

use serde_json::{Value, json};
use users_sync::signature::{BadKeySet, PublicKey};

use crate::harness::{Issuer, encoded, key_set};

fn parsed(keys: &[Value]) -> Result<usize, BadKeySet> {
    PublicKey::parse_set(&key_set(keys).to_string()).map(|keys| keys.len())
}

fn with(jwk: &Value, name: &str, value: Value) -> Value {
    let mut changed = jwk.clone();
    changed[name] = value;
    changed
}

#[test]
fn keys_for_signatures_are_used() {
    let keys = [Issuer::rsa("1").jwk(), Issuer::ec("2").jwk(), Issuer::ed("3").jwk()];
    assert_eq!(parsed(&keys), Ok(3));
    for key in keys {
        assert_eq!(parsed(&[with(&key, "use", json!("sig"))]), Ok(1));
        assert_eq!(parsed(&[with(&key, "key_ops", json!(["verify"]))]), Ok(1));
    }
}

#[test]
fn keys_for_encryption_are_not_used() {
    let key = Issuer::rsa("1").jwk();
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!("ENC")),
        ("use", json!("tls")),
        ("key_ops", json!(["encrypt", "wrapKey"])),
        ("key_ops", json!([])),
        ("alg", json!("RSA-OAEP-256")),
        ("alg", json!("ECDH-ES")),
        ("alg", json!("none")),
    ] {
        assert_eq!(parsed(&[with(&key, name, value)]), Err(BadKeySet::NoKey), "{name}");
    }
}

#[test]
fn weak_keys_of_rsa_are_not_used() {
    let key = Issuer::rsa("1").jwk();
    let modulus = |bytes: &[u8]| with(&key, "n", json!(encoded(bytes)));
    let padded = [&[0; 128][..], &[0xff; 128]].concat();
    for weak in [modulus(&[0xff; 128]), modulus(&[0xff; 255]), modulus(&padded), modulus(&[])] {
        assert_eq!(parsed(&[weak]), Err(BadKeySet::NoKey));
    }
}

#[test]
fn symmetric_keys_and_mixed_families_are_not_used() {
    let (rsa, ec) = (Issuer::rsa("1").jwk(), Issuer::ec("2").jwk());
    for key in [
        json!({ "kty": "oct", "k": encoded("a secret that everyone can read") }),
        json!({ "kty": "oct", "k": encoded("a secret that everyone can read"), "alg": "HS256" }),
        with(&rsa, "alg", json!("HS256")),
        with(&rsa, "alg", json!("ES256")),
        with(&ec, "alg", json!("RS256")),
        with(&ec, "crv", json!("P-521")),
        json!({ "kty": "RSA" }),
        json!(null),
    ] {
        assert_eq!(parsed(std::slice::from_ref(&key)), Err(BadKeySet::NoKey), "{key}");
    }
}

#[test]
fn a_key_of_an_unknown_kind_does_not_spoil_the_others() {
    let known = Issuer::ed("1").jwk();
    for unknown in [
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "x" }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "x", "y": "y" }),
        json!({ "kty": "OKP", "crv": "X448", "x": "x" }),
        json!({ "kty": "RSA", "n": 1, "e": 2 }),
        json!("x"),
    ] {
        assert_eq!(parsed(&[unknown.clone(), known.clone()]), Ok(1), "{unknown}");
    }
}

#[test]
fn what_is_no_key_set_is_refused() {
    for text in ["", "[]", "{}", "{\"keys\":{}}", "<html>", "null", "{\"keys\":[]"] {
        assert_eq!(PublicKey::parse_set(text).err(), Some(BadKeySet::NotASet), "{text}");
    }
    assert_eq!(PublicKey::parse_set("{\"keys\":[]}").err(), Some(BadKeySet::NoKey));
}
