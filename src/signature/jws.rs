//! A JSON Web Signature in its compact form, read strictly: the key decides which algorithm is right, never the token.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde::Deserialize;

use super::rejection::within;
use super::{Form, Keys, PublicKey, Rejection, Secret, Unsignable};

/// The longest name of a key, in bytes.
const LONGEST_KEY_ID: usize = 255;
/// Seconds by which the two clocks may differ.
pub(super) const LEEWAY: i64 = 60;

/// A token `header.payload.signature`, each part in base64 without padding.
pub(super) struct Jws<'a> {
    head: Head,
    /// The payload as it stands in the token.
    pub(super) payload: &'a str,
    header: &'a str,
    signature: &'a str,
}

/// What the header of a token says; a key that it contains or points to is never used.
#[derive(Deserialize)]
struct Head {
    alg: Algorithm,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

/// Which keys may have signed a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The owner of a published key.
    Published,
    /// The sender, with the secret that both sides share.
    Shared,
    /// Either: each key only with its own algorithms.
    Any,
}

impl Signer {
    /// How secrets are written beside the published keys, or in their place.
    pub(super) fn secrets(self) -> Form {
        match self {
            Self::Published => Form::Public,
            Self::Shared | Self::Any => Form::Text,
        }
    }
}

impl<'a> Jws<'a> {
    /// `None` if it is no token, or has extensions that must be understood.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (header, rest) = token.split_once('.')?;
        let (payload, signature) = rest.split_once('.')?;
        let head: Head = serde_json::from_slice(&decoded(header)?).ok()?;
        let is_sound = head.crit.is_none()
            && head.kid.as_ref().is_none_or(|kid| kid.len() <= LONGEST_KEY_ID)
            && !signature.contains('.');
        is_sound.then_some(Self { head, payload, header, signature })
    }

    /// The same, without a name of its key: any key may have signed it.
    pub(super) fn of_any_key(mut self) -> Self {
        self.head.kid = None;
        self
    }

    /// The id of the key that it names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.head.kid.as_deref()
    }

    /// The bytes of its payload.
    pub(super) fn content(&self) -> Option<Vec<u8>> {
        decoded(self.payload)
    }

    /// Checks the signature over the header and this payload; answers the place of the secret that matches, if one does.
    pub(super) fn verify(
        &self,
        payload: &str,
        keys: Keys<'_>,
        signer: Signer,
    ) -> Result<Option<usize>, Rejection> {
        let message = format!("{}.{payload}", self.header);
        let is_right = |key: &DecodingKey| {
            let verified = crypto::verify(self.signature, message.as_bytes(), key, self.head.alg);
            verified.unwrap_or(false)
        };
        if signer != Signer::Published && is_hmac(self.head.alg) {
            let matching = keys.secrets.iter().position(|secret| {
                secret.shared().is_some_and(|key| is_right(&DecodingKey::from_secret(key)))
            });
            return matching.map(Some).ok_or(Rejection::NoSecretMatches);
        }
        if signer == Signer::Shared {
            return Err(Rejection::NoSecretMatches);
        }
        let fits = |key: &PublicKey| key.is_for(self.head.alg) && is_right(key.key());
        let pinned = |secret: &Secret| PublicKey::pinned(secret).is_some_and(|key| fits(&key));
        if let Some(place) = keys.secrets.iter().position(pinned) {
            return Ok(Some(place));
        }
        let named = || keys.published.iter().filter(|key| key.is_named(self.key_id()));
        if named().next().is_none() && !keys.published.is_empty() {
            return Err(Rejection::UnknownKey);
        }
        if named().any(fits) { Ok(None) } else { Err(Rejection::NoSecretMatches) }
    }
}

fn is_hmac(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The times in a payload, in seconds since 1970.
#[derive(Default, Deserialize)]
pub(super) struct Times {
    iat: Option<f64>,
    exp: Option<f64>,
    nbf: Option<f64>,
}

impl Times {
    /// `None` if one of them is no number: what limits a token must not be overlooked. Content that is no object has none.
    pub(super) fn of(content: &[u8]) -> Option<Self> {
        if !content.trim_ascii_start().starts_with(b"{") {
            return Some(Self::default());
        }
        match serde_json::from_slice(content) {
            Ok(times) => Some(times),
            Err(error) if error.is_data() => None,
            Err(_) => Some(Self::default()),
        }
    }

    pub(super) fn issued_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(whole(self.iat?)).ok()
    }

    /// Whether the token is valid now, by the times that it has.
    pub(super) fn check(&self, now: Timestamp) -> Result<(), Rejection> {
        let now = now.as_second();
        if let Some(end) = self.exp.map(whole).filter(|end| now > end.saturating_add(LEEWAY)) {
            return Err(Rejection::TooOld(now.saturating_sub(end)));
        }
        let begin = [self.nbf, self.iat].into_iter().flatten().map(whole).max();
        match begin.filter(|begin| *begin > now) {
            Some(begin) => within(LEEWAY, begin, now),
            None => Ok(()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}

/// A token over this payload, with a key pair or with a secret that both sides share.
pub(super) fn token(secret: &Secret, payload: &str) -> Result<String, Unsignable> {
    match secret.pair() {
        Some(pair) => Ok(sign(&pair, payload, false)),
        None => sign_shared(secret, payload),
    }
}

/// A token over this payload; `detached` leaves the payload out of it.
pub(super) fn sign(pair: &Ed25519KeyPair, payload: &str, detached: bool) -> String {
    let header = encoded(br#"{"alg":"EdDSA"}"#);
    let signature = pair.sign(format!("{header}.{payload}").as_bytes());
    let payload = if detached { "" } else { payload };
    format!("{header}.{payload}.{}", encoded(signature.as_ref()))
}

fn sign_shared(secret: &Secret, payload: &str) -> Result<String, Unsignable> {
    let header = encoded(br#"{"alg":"HS256"}"#);
    let key = EncodingKey::from_secret(secret.shared().ok_or(Unsignable::NoPrivateKey)?);
    let message = format!("{header}.{payload}");
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    let signature = signature.map_err(|_| Unsignable::NoPrivateKey)?;
    Ok(format!("{message}.{signature}"))
}
