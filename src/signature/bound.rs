//! A signed token in a header that is bound to the body by a hash of it, as FusionAuth and Keycloak with phasetwo's extension send;
//! Frontegg's token is bound to no body:
//! <https://fusionauth.io/docs/extend/events-and-webhooks/signing>, <https://github.com/p2-inc/keycloak-events>

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::digest::Encoding;
use super::header::single;
use super::jws::{self, Jws, Signer, Times};
use super::{Form, Keys, Message, Method, Proof, Rejection, Secret, Signed, Unsignable};

/// A header with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub header: &'static str,
    /// What stands before the token, such as `Bearer `.
    pub prefix: &'static str,
    pub signer: Signer,
    /// The claim with the SHA-256 of the body; `None` if the token says nothing about the body.
    pub hash: Option<(&'static str, Encoding)>,
}

impl Method for Bound {
    fn headers(&self) -> String {
        self.header.to_owned()
    }

    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        self.prefix.is_empty() && headers.contains_key(self.header)
    }

    fn uses_published_keys(&self) -> bool {
        self.signer != Signer::Shared
    }

    fn secrets(&self) -> Form {
        self.signer.secrets()
    }

    fn covers_the_body(&self) -> bool {
        self.hash.is_some()
    }

    fn key_id(&self, headers: &HeaderMap, _: &[u8]) -> Option<String> {
        self.jws(headers).ok()?.key_id().map(str::to_owned)
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.jws(headers).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        let jws = self.jws(headers)?;
        let secret = jws.verify(jws.payload, keys, self.signer)?;
        let content = jws.content().ok_or(Rejection::NoSecretMatches)?;
        self.is_of(&content, body)?;
        let times = Times::of(&content).ok_or(self.malformed("a token with times in seconds"))?;
        times.check(now)?;
        Ok(Proof { secret, ..Proof::default() })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let now = message.sent_at.as_second();
        let mut claims = json!({ "iat": now, "exp": now + 300 });
        if let Some((claim, encoding)) = self.hash {
            claims[claim] = json!(encoding.encode(hash(message.body.as_bytes()).as_ref()));
        }
        let payload = jws::encoded(claims.to_string().as_bytes());
        let token = jws::token(secret, &payload)?;
        Ok(Signed::with(vec![(self.header, format!("{}{token}", self.prefix))], message))
    }

    fn sent_at(&self, headers: &HeaderMap, _: &[u8]) -> Option<Timestamp> {
        Times::of(&self.jws(headers).ok()?.content()?)?.issued_at()
    }
}

impl Bound {
    fn jws<'a>(&self, headers: &'a HeaderMap) -> Result<Jws<'a>, Rejection> {
        let text = single(headers, self.header)?;
        let token = text
            .split_at_checked(self.prefix.len())
            .and_then(|(prefix, token)| prefix.eq_ignore_ascii_case(self.prefix).then_some(token));
        match token.and_then(Jws::parse) {
            Some(jws) => Ok(jws),
            None => Err(self.malformed("a signed token (JWT)")),
        }
    }

    fn malformed(&self, expected: &'static str) -> Rejection {
        Rejection::MalformedHeader { header: self.header, expected }
    }

    /// Whether the token was made for this body.
    fn is_of(&self, content: &[u8], body: &[u8]) -> Result<(), Rejection> {
        let Some((claim, encoding)) = self.hash else { return Ok(()) };
        let claims: Value = serde_json::from_slice(content).map_err(|_| Rejection::OtherBody)?;
        let claimed = claims[claim].as_str().and_then(|text| encoding.decode(text));
        let is_equal =
            claimed.is_some_and(|it| verify_slices_are_equal(&it, hash(body).as_ref()).is_ok());
        if is_equal { Ok(()) } else { Err(Rejection::OtherBody) }
    }
}

fn hash(body: &[u8]) -> aws_lc_rs::digest::Digest {
    digest(&SHA256, body)
}
