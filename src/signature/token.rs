//! A signed token that carries the content, as the whole body or in one of its fields, as Kinde and Hanko send:
//! <https://docs.kinde.com/integrate/webhooks/about-webhooks/>, <https://docs.hanko.io/guides/webhooks/introduction>

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::jws::{self, Jws, Signer, Times};
use super::{Form, Keys, Message, Method, Proof, Rejection, Secret, Signed, Unsignable};

/// The content is what the token says; nothing beside it is signed, so nothing beside it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The field of the body that holds the token; `None` if the body is the token.
    pub field: Option<&'static str>,
    pub signer: Signer,
}

impl Method for Token {
    fn headers(&self) -> String {
        "the body as it is (no header is signed)".to_owned()
    }

    fn is_claimed(&self, _: &HeaderMap) -> bool {
        false
    }

    fn tolerance(&self) -> Option<i64> {
        None
    }

    fn uses_published_keys(&self) -> bool {
        self.signer != Signer::Shared
    }

    fn secrets(&self) -> Form {
        self.signer.secrets()
    }

    fn key_id(&self, _: &HeaderMap, body: &[u8]) -> Option<String> {
        let token = self.token(body).ok()?;
        Jws::parse(&token)?.key_id().map(str::to_owned)
    }

    fn screen(&self, _: &HeaderMap) -> Result<(), Rejection> {
        Ok(())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        _: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        let token = self.token(body)?;
        let jws = Jws::parse(&token).ok_or(NO_TOKEN)?;
        let secret = jws.verify(jws.payload, keys, self.signer)?;
        let content = jws.content().ok_or(NO_TOKEN)?;
        Times::of(&content).ok_or(NO_TIMES)?.check(now)?;
        Ok(Proof { secret, content: Some(Bytes::from(content)), ..Proof::default() })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let token = jws::token(secret, &jws::encoded(message.body.as_bytes()))?;
        let body = match self.field {
            None => token,
            Some(field) => json!({ field: token }).to_string(),
        };
        Ok(Signed { headers: Vec::new(), body })
    }

    fn sent_at(&self, _: &HeaderMap, body: &[u8]) -> Option<Timestamp> {
        let token = self.token(body).ok()?;
        Times::of(&Jws::parse(&token)?.content()?)?.issued_at()
    }
}

const NO_TOKEN: Rejection = Rejection::MalformedBody("a signed token (JWT)");
const NO_TIMES: Rejection = Rejection::MalformedBody("a token with times in seconds");

impl Token {
    fn token(&self, body: &[u8]) -> Result<String, Rejection> {
        let text = std::str::from_utf8(body).map_err(|_| NO_TOKEN)?;
        let Some(field) = self.field else { return Ok(text.trim().to_owned()) };
        let body: Value = serde_json::from_str(text).map_err(|_| NO_TOKEN)?;
        body[field].as_str().map(str::to_owned).ok_or(NO_TOKEN)
    }
}
