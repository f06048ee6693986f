//! The signature schemes: a closed set, each over the raw bytes. A scheme implements both halves, to
//! verify and to sign, and only its own file names its headers.

mod mistake;
mod svix;
mod weakness;

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};

use crate::model::DeliveryId;

pub use mistake::{Mended, Mistake};
pub use weakness::Weakness;

/// The key that a source's sender signs with. Never printed.
#[derive(Clone)]
pub struct Secret {
    key: SecretSlice<u8>,
    hmac: hmac::Key,
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
}

impl Secret {
    /// A list separated by commas. Blanks, quotes and a pasted `v1,` are removed, because no key contains them.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, BadSecret> {
        let quotes = |c: char| c.is_whitespace() || c == '"' || c == '\'';
        let secrets = text
            .split(',')
            .map(|part| part.trim_matches(quotes))
            .filter(|part| !part.is_empty() && *part != "v1")
            .enumerate()
            .map(|(place, part)| Self::parse(part).ok_or(BadSecret::NotBase64(place + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        if secrets.is_empty() { Err(BadSecret::Empty) } else { Ok(secrets) }
    }

    fn parse(text: &str) -> Option<Self> {
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        (!key.is_empty()).then(|| Self::from_bytes(key))
    }

    pub fn from_bytes(key: Vec<u8>) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, &key);
        Self { key: key.into(), hmac }
    }

    /// The key itself.
    pub fn expose(&self) -> &[u8] {
        self.key.expose_secret()
    }

    /// The text form: `whsec_` and base64.
    pub fn to_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.expose()))
    }
}

/// Why a request is not a delivery.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    #[error("the header {header} is malformed: {expected} is expected")]
    MalformedHeader { header: &'static str, expected: &'static str },
    #[error("no secret matches")]
    NoSecretMatches,
    #[error("too old by {0} s")]
    TooOld(i64),
    #[error("too new by {0} s")]
    TooNew(i64),
}

impl Rejection {
    pub fn reason(&self) -> Reason {
        match self {
            Self::MissingHeader(_) => Reason::MissingHeader,
            Self::MalformedHeader { .. } => Reason::MalformedHeader,
            Self::NoSecretMatches => Reason::NoSecretMatches,
            Self::TooOld(_) => Reason::TooOld,
            Self::TooNew(_) => Reason::TooNew,
        }
    }
}

/// The kind of a rejection, without the details of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    NoSecretMatches,
    TooOld,
    TooNew,
    MissingHeader,
    MalformedHeader,
}

impl Reason {
    pub const ALL: [Self; 5] = [
        Self::NoSecretMatches,
        Self::TooOld,
        Self::TooNew,
        Self::MissingHeader,
        Self::MalformedHeader,
    ];

    /// The name in metrics and JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSecretMatches => "no_secret_matches",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
        }
    }
}

/// The content of a valid signature.
#[derive(Debug, PartialEq, Eq)]
pub struct Proof {
    pub id: DeliveryId,
    /// The place of the secret that matched, from 0.
    pub secret: usize,
}

/// Why a body cannot be signed.
#[derive(Debug, thiserror::Error)]
#[error("the body or the key cannot be signed")]
pub struct Unsignable(#[from] ::svix::webhooks::WebhookError);

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Svix and Standard Webhooks: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
    Svix,
}

impl Scheme {
    /// Whether a request claims to be signed, by any scheme.
    pub fn is_claimed(headers: &HeaderMap) -> bool {
        svix::is_claimed(headers)
    }

    /// The names of its headers as a phrase, for advice about proxies.
    pub fn headers(self) -> &'static str {
        match self {
            Self::Svix => svix::HEADERS,
        }
    }

    /// Seconds that the sender's clock may be off, both ways.
    pub fn tolerance(self) -> i64 {
        match self {
            Self::Svix => svix::TOLERANCE,
        }
    }

    /// Checks the headers before the body is read: they must exist and be well-formed.
    pub fn screen(self, headers: &HeaderMap) -> Result<(), Rejection> {
        match self {
            Self::Svix => svix::screen(headers),
        }
    }

    /// Checks the signature and its age.
    pub fn verify(
        self,
        secrets: &[Secret],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        match self {
            Self::Svix => svix::verify(secrets, headers, body, now),
        }
    }

    /// The headers of a delivery as its sender signs it at `sent_at`.
    pub fn sign(
        self,
        secret: &Secret,
        id: &DeliveryId,
        sent_at: Timestamp,
        body: &str,
    ) -> Result<Vec<(&'static str, String)>, Unsignable> {
        match self {
            Self::Svix => svix::sign(secret, id, sent_at, body),
        }
    }

    /// When the sender signed a request, according to its headers.
    pub fn sent_at(self, headers: &HeaderMap) -> Option<Timestamp> {
        match self {
            Self::Svix => svix::sent_at(headers),
        }
    }

    /// An id as the sender of this scheme makes them.
    pub fn new_id(self, now: Timestamp) -> DeliveryId {
        match self {
            Self::Svix => svix::new_id(now),
        }
    }

    /// When the sender made the delivery, if its id says so.
    pub fn made_at(self, id: &DeliveryId) -> Option<Timestamp> {
        match self {
            Self::Svix => svix::made_at(id),
        }
    }
}
