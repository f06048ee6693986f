//! How a delivery proves where it comes from: a closed set of schemes, each over the raw bytes.

mod weakness;

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};

use crate::ksuid;
use crate::model::DeliveryId;

pub use weakness::Weakness;

/// How far the clock of a sender may be off, in seconds, both ways.
const TOLERANCE: i64 = 300;

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

/// What is wrong with a pasted secret; says nothing of what it is.
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
    /// A list separated by commas. Blanks, quotes and a pasted `v1,` are forgiven: no key looks like them.
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

    /// The key itself, for whoever plays the sender.
    pub fn expose(&self) -> &[u8] {
        self.key.expose_secret()
    }

    /// As it is pasted: `whsec_` and base64.
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

/// The kind of a rejection, without what differs from request to request.
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

    /// One word for programs.
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

/// What a signature proves.
#[derive(Debug, PartialEq, Eq)]
pub struct Proof {
    pub id: DeliveryId,
    /// The place of the secret that matched, from 0.
    pub secret: usize,
}

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Svix and Standard Webhooks: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
    Svix,
}

impl Scheme {
    /// Checks the signature and its age.
    pub fn verify(
        self,
        secrets: &[Secret],
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        match self {
            Self::Svix => verify_svix(secrets, headers, body, now),
        }
    }

    /// An id as the sender of this scheme makes them.
    pub fn new_id(self, now: Timestamp) -> DeliveryId {
        match self {
            Self::Svix => {
                let id = format!("msg_{}", ksuid::new(now));
                DeliveryId::new(&id).expect("a KSUID is short and readable")
            }
        }
    }

    /// When the sender made the delivery, where its id tells.
    pub fn made_at(self, id: &DeliveryId) -> Option<Timestamp> {
        match self {
            Self::Svix => id.as_str().strip_prefix("msg_").and_then(ksuid::time),
        }
    }
}

fn verify_svix(
    secrets: &[Secret],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Proof, Rejection> {
    let id = header(headers, "svix-id", "webhook-id")?;
    let timestamp = header(headers, "svix-timestamp", "webhook-timestamp")?;
    let signatures = header(headers, "svix-signature", "webhook-signature")?;

    let expected = "an id of 1 to 255 bytes";
    let delivery =
        DeliveryId::new(id.text).ok_or(Rejection::MalformedHeader { header: id.name, expected })?;
    let sent_at = seconds(&timestamp)?;
    let candidates = version_one(&signatures)?;

    let matching = secrets.iter().position(|secret| {
        let signed = STANDARD.encode(sign_svix(secret, id.text, sent_at, body));
        // Every candidate is compared whole, so that the time tells nothing about the right one.
        candidates.iter().any(|c| verify_slices_are_equal(c.as_bytes(), signed.as_bytes()).is_ok())
    });
    let secret = matching.ok_or(Rejection::NoSecretMatches)?;
    within_tolerance(sent_at, now.as_second())?;
    Ok(Proof { id: delivery, secret })
}

fn sign_svix(secret: &Secret, id: &str, sent_at: i64, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&secret.hmac);
    context.update(id.as_bytes());
    context.update(format!(".{sent_at}.").as_bytes());
    context.update(body);
    context.sign()
}

/// Checked after the signature: a stranger's clock is no news, and an endpoint's owner learns of both.
fn within_tolerance(sent_at: i64, now: i64) -> Result<(), Rejection> {
    let age = now.saturating_sub(sent_at);
    if age > TOLERANCE {
        return Err(Rejection::TooOld(age - TOLERANCE));
    }
    if age < -TOLERANCE {
        return Err(Rejection::TooNew(age.saturating_add(TOLERANCE).saturating_abs()));
    }
    Ok(())
}

struct Header<'a> {
    name: &'static str,
    text: &'a str,
}

fn header<'a>(
    headers: &'a HeaderMap,
    svix: &'static str,
    unbranded: &'static str,
) -> Result<Header<'a>, Rejection> {
    let named = |name| headers.get(name).map(|value| (name, value));
    let (name, value) =
        named(svix).or_else(|| named(unbranded)).ok_or(Rejection::MissingHeader(svix))?;
    let expected = "visible ASCII";
    let text = value.to_str().map_err(|_| Rejection::MalformedHeader { header: name, expected })?;
    Ok(Header { name, text: text.trim() })
}

fn seconds(timestamp: &Header<'_>) -> Result<i64, Rejection> {
    let expected = "a time in whole seconds since 1970";
    let malformed = Rejection::MalformedHeader { header: timestamp.name, expected };
    timestamp.text.parse::<i64>().ok().filter(|seconds| *seconds >= 0).ok_or(malformed)
}

/// The `v1` signatures of a list; other versions stand beside them and are skipped.
fn version_one<'a>(signatures: &Header<'a>) -> Result<Vec<&'a str>, Rejection> {
    let candidates: Vec<_> = signatures
        .text
        .split_ascii_whitespace()
        // Supabase separates by a comma and a blank.
        .filter_map(|entry| entry.trim_end_matches(',').strip_prefix("v1,"))
        .collect();
    if candidates.is_empty() {
        let expected = "`v1,` and a base64 signature";
        return Err(Rejection::MalformedHeader { header: signatures.name, expected });
    }
    Ok(candidates)
}
