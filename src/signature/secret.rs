//! The secrets of a source: keys that its sender signs with, or public keys that are pinned.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

/// The key that a source's sender signs with. Never printed.
#[derive(Clone)]
pub struct Secret {
    key: SecretSlice<u8>,
    hmac: hmac::Key,
    form: Form,
}

/// How a secret is written, and what it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `whsec_` and base64: a key that both sides share.
    Encoded,
    /// The text itself is the key that both sides share.
    Text,
    /// `whpk_` and base64: the sender's public key of Ed25519.
    Public,
    /// `whsk_` and base64: a whole key pair of Ed25519, for development and tests.
    Pair,
}

impl Form {
    /// How such a secret begins, in brackets, for advice; empty if it can begin with anything.
    pub fn example(self) -> &'static str {
        match self {
            Self::Encoded => " (whsec_…)",
            Self::Text => "",
            Self::Public | Self::Pair => " (whpk_…)",
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The fault of a pasted secret; it never contains the secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    #[error("holds no secret: paste the signing secret of the endpoint (`whsec_…`)")]
    Empty,
    #[error(
        "secret {0} is not base64 after `whsec_`: paste the endpoint's signing secret again, whole"
    )]
    NotBase64(usize),
    #[error("secret {0} is no key of Ed25519 after its prefix: paste it again, whole")]
    NotAKey(usize),
    #[error(
        "secret {0} is no public key (`whpk_…`): the provider publishes its keys, so set the address of its key set instead"
    )]
    NotPublic(usize),
}

/// Bytes of a seed, or of a public key, of Ed25519.
const ED25519: usize = 32;

impl Secret {
    /// A list separated by commas, of secrets in this form or of keys of Ed25519. Blanks, quotes and a pasted `v1,` are removed,
    /// because no key contains them.
    pub fn parse_list(text: &str, form: Form) -> Result<Vec<Self>, BadSecret> {
        let quotes = |c: char| c.is_whitespace() || c == '"' || c == '\'';
        let secrets = text
            .split(',')
            .map(|part| part.trim_matches(quotes))
            .filter(|part| !part.is_empty() && *part != "v1" && *part != "v1a")
            .enumerate()
            .map(|(place, part)| Self::parse(part, form, place + 1))
            .collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(BadSecret::Empty) } else { Ok(secrets) }
    }

    fn parse(text: &str, form: Form, place: usize) -> Result<Self, BadSecret> {
        let decoded = |text: &str| STANDARD.decode(text).ok();
        if let Some(public) = text.strip_prefix("whpk_") {
            let key = decoded(public).filter(|key| key.len() == ED25519);
            return Ok(Self::new(key.ok_or(BadSecret::NotAKey(place))?, Form::Public));
        }
        if let Some(pair) = text.strip_prefix("whsk_") {
            let key = decoded(pair).filter(|key| pair_of(key).is_some());
            return Ok(Self::new(key.ok_or(BadSecret::NotAKey(place))?, Form::Pair));
        }
        match form {
            Form::Text => Ok(Self::new(text.as_bytes().to_vec(), Form::Text)),
            Form::Encoded => {
                let key = decoded(text.strip_prefix("whsec_").unwrap_or(text));
                let key = key.filter(|key| !key.is_empty()).ok_or(BadSecret::NotBase64(place))?;
                Ok(Self::new(key, Form::Encoded))
            }
            Form::Public | Form::Pair => Err(BadSecret::NotPublic(place)),
        }
    }

    fn new(key: Vec<u8>, form: Form) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self { key: key.into(), hmac, form }
    }

    pub fn from_bytes(key: Vec<u8>) -> Self {
        Self::new(key, Form::Encoded)
    }

    /// A new secret in this form; a public key comes with its private one.
    pub fn random(form: Form) -> Self {
        let mut key = [0; ED25519];
        rand::fill(&mut key).expect("the system has random numbers");
        match form {
            Form::Encoded => Self::new(key.to_vec(), form),
            Form::Text => Self::new(hex::encode(key).into_bytes(), form),
            Form::Public | Form::Pair => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&key).expect("a seed has 32 bytes");
                Self::new([&key, pair.public_key().as_ref()].concat(), Form::Pair)
            }
        }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8] {
        self.key.expose_secret()
    }

    pub(super) fn hmac(&self) -> &hmac::Key {
        &self.hmac
    }

    /// The key that both sides share; `None` for keys of Ed25519, whose public half everyone may know.
    pub(super) fn shared(&self) -> Option<&[u8]> {
        matches!(self.form, Form::Encoded | Form::Text).then(|| self.expose())
    }

    /// The public half of a key of Ed25519.
    pub(super) fn public(&self) -> Option<&[u8]> {
        match self.form {
            Form::Public => Some(self.expose()),
            Form::Pair => self.expose().get(ED25519..),
            Form::Encoded | Form::Text => None,
        }
    }

    /// The pair that signs, if this is one.
    pub(super) fn pair(&self) -> Option<Ed25519KeyPair> {
        (self.form == Form::Pair).then(|| pair_of(self.expose())).flatten()
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        let encoded = |prefix| format!("{prefix}{}", STANDARD.encode(self.expose()));
        match self.form {
            Form::Encoded => encoded("whsec_"),
            Form::Public => encoded("whpk_"),
            Form::Pair => encoded("whsk_"),
            Form::Text => String::from_utf8_lossy(self.expose()).into_owned(),
        }
    }
}

/// A seed and its public key; `None` if they do not belong together.
fn pair_of(key: &[u8]) -> Option<Ed25519KeyPair> {
    let (seed, public) = key.split_at_checked(ED25519)?;
    Ed25519KeyPair::from_seed_and_public_key(seed, public).ok()
}
