//! HMAC over the body alone, as Logto, Keycloak with phasetwo's extension, and Descope sign:
//! <https://docs.logto.io/developers/webhooks/secure-webhooks>, <https://github.com/p2-inc/keycloak-events>

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;

use super::header::{Header, single};
use super::{Keys, Message, Method, Proof, Rejection, Secret, Signed, Unsignable};

/// A header with the HMAC-SHA256 of the body. It carries no time, so a recorded request is valid for ever: the law of
/// convergence makes its repetition harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    pub header: &'static str,
    pub encoding: Encoding,
    /// What stands before the signature, such as `sha256=`.
    pub prefix: &'static str,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Hex,
    Base64,
}

impl Encoding {
    pub(super) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hex::encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }

    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex => hex::decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Hex => "an HMAC-SHA256 in hex",
            Self::Base64 => "an HMAC-SHA256 in base64",
        }
    }
}

impl Method for Digest {
    fn headers(&self) -> String {
        self.header.to_owned()
    }

    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(self.header)
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.signature(headers).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Proof, Rejection> {
        let signature = self.signature(headers)?;
        let is_right = |secret: &Secret| hmac::verify(secret.hmac(), body, &signature).is_ok();
        let secret = keys.secrets.iter().position(is_right).ok_or(Rejection::NoSecretMatches)?;
        Ok(Proof { secret: Some(secret), ..Proof::default() })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let tag = hmac::sign(secret.hmac(), message.body.as_bytes());
        let value = format!("{}{}", self.prefix, self.encoding.encode(tag.as_ref()));
        Ok(Signed::with(vec![(self.header, value)], message))
    }
}

impl Digest {
    fn signature(&self, headers: &HeaderMap) -> Result<Vec<u8>, Rejection> {
        let text = single(headers, self.header)?;
        let decoded = text.strip_prefix(self.prefix).and_then(|text| self.encoding.decode(text));
        match decoded {
            Some(signature) => Ok(signature),
            None => Err(Header::find(headers, self.header)?.malformed(self.encoding.name())),
        }
    }
}
