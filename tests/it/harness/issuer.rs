//! Owners of keys that providers publish, and the tokens that they sign.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use users_sync::signature::PublicKey;

/// The owner of one key.
pub(crate) struct Issuer {
    pub(crate) id: &'static str,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Issuer {
    pub(crate) fn rsa(id: &'static str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a new key");
        Self { id, pair: Pair::Rsa(pair) }
    }

    pub(crate) fn ec(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a new key");
        Self { id, pair: Pair::Ec(pair) }
    }

    pub(crate) fn ed(id: &'static str) -> Self {
        Self { id, pair: Pair::Ed(Ed25519KeyPair::generate().expect("a new key")) }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
            Pair::Ed(_) => "EdDSA",
        }
    }

    /// The public half as a JSON Web Key, without `use` and `alg`.
    pub(crate) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let (n, e) =
                    (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({ "kty": "RSA", "kid": self.id, "n": encoded(n), "e": encoded(e) })
            }
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "x": encoded(x), "y": encoded(y) })
            }
            Pair::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "x": encoded(pair.public_key()) })
            }
        }
    }

    pub(crate) fn published(&self) -> Vec<PublicKey> {
        PublicKey::parse_set(&key_set(&[self.jwk()]).to_string()).expect("a key set")
    }

    pub(crate) fn signature(&self, message: &str) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed =
                    pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature);
                signed.expect("the key signs");
                signature
            }
            Pair::Ec(pair) => {
                let signature = pair.sign(&random, message.as_bytes()).expect("the key signs");
                signature.as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
        }
    }

    /// A token that names its algorithm and its key.
    pub(crate) fn token(&self, payload: impl AsRef<[u8]>) -> String {
        let header = json!({ "alg": self.algorithm(), "kid": self.id, "typ": "JWT" });
        self.token_with(&header, payload)
    }

    /// A token with this header, signed in the only way that the key can.
    pub(crate) fn token_with(&self, header: &Value, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(payload));
        format!("{message}.{}", encoded(self.signature(&message)))
    }
}

pub(crate) fn key_set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

/// A token that is signed with a secret; the algorithm is one of HS256, HS384 and HS512.
pub(crate) fn hmac_token(algorithm: &str, id: &str, key: &[u8], payload: &str) -> String {
    let header = json!({ "alg": algorithm, "kid": id });
    let message = format!("{}.{}", encoded(header.to_string()), encoded(payload));
    let function = match algorithm {
        "HS512" => hmac::HMAC_SHA512,
        "HS384" => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA256,
    };
    let tag = hmac::sign(&hmac::Key::new(function, key), message.as_bytes());
    format!("{message}.{}", encoded(tag))
}
