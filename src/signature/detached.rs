//! A detached signature of Ed25519 over the time and the body, as Neon Auth sends:
//! <https://neon.com/docs/auth/guides/webhooks>

use http::HeaderMap;
use jiff::Timestamp;

use super::header::{Header, single};
use super::jws::{self, Jws, Signer};
use super::rejection::within;
use super::{Form, Keys, Message, Method, Proof, Rejection, Secret, Signed, Unsignable};
use crate::model::DeliveryId;

/// The headers of a detached signature `header..signature`; the time is in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detached {
    pub signature: &'static str,
    pub key_id: &'static str,
    pub timestamp: &'static str,
    pub id: &'static str,
}

const TOLERANCE: i64 = 300;

impl Method for Detached {
    fn headers(&self) -> String {
        let Self { signature, key_id, timestamp, id } = self;
        format!("{signature}, {key_id}, {timestamp} and {id}")
    }

    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(self.signature)
    }

    fn tolerance(&self) -> Option<i64> {
        Some(TOLERANCE)
    }

    fn uses_published_keys(&self) -> bool {
        true
    }

    fn secrets(&self) -> Form {
        Signer::Published.secrets()
    }

    /// The vendor names the key in this header; the signature may have another word for it.
    fn key_id(&self, headers: &HeaderMap, _: &[u8]) -> Option<String> {
        let named = single(headers, self.key_id).ok().map(str::to_owned);
        named.or_else(|| self.jws(headers).ok()?.key_id().map(str::to_owned))
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.jws(headers)?;
        self.time(headers)?;
        self.delivery(headers).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        let (jws, (time, sent_at)) = (self.jws(headers)?, self.time(headers)?);
        let id = self.delivery(headers)?;
        let secret = jws.of_any_key().verify(&payload(time, body), keys, Signer::Published)?;
        within(TOLERANCE, sent_at.as_second(), now.as_second())?;
        Ok(Proof { id: Some(id), secret, content: None })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let pair = secret.pair().ok_or(Unsignable::NoPrivateKey)?;
        let time = message.sent_at.as_millisecond().to_string();
        let token = jws::sign(&pair, &payload(&time, message.body.as_bytes()), true);
        let headers = vec![
            (self.signature, token),
            (self.key_id, "development".to_owned()),
            (self.timestamp, time),
            (self.id, message.id.to_string()),
        ];
        Ok(Signed::with(headers, message))
    }

    fn sent_at(&self, headers: &HeaderMap, _: &[u8]) -> Option<Timestamp> {
        Some(self.time(headers).ok()?.1)
    }
}

impl Detached {
    fn jws<'a>(&self, headers: &'a HeaderMap) -> Result<Jws<'a>, Rejection> {
        match Jws::parse(single(headers, self.signature)?).filter(|jws| jws.payload.is_empty()) {
            Some(jws) => Ok(jws),
            None => {
                let header = Header::find(headers, self.signature)?;
                Err(header.malformed("a detached signature `header..signature`"))
            }
        }
    }

    fn time<'a>(&self, headers: &'a HeaderMap) -> Result<(&'a str, Timestamp), Rejection> {
        let text = single(headers, self.timestamp)?;
        let instant = text.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        match instant {
            Some(instant) => Ok((text, instant)),
            None => Err(Header::find(headers, self.timestamp)?
                .malformed("a time in milliseconds since 1970")),
        }
    }

    fn delivery(&self, headers: &HeaderMap) -> Result<DeliveryId, Rejection> {
        match DeliveryId::new(single(headers, self.id)?) {
            Some(id) => Ok(id),
            None => Err(Header::find(headers, self.id)?.malformed("an id of 1 to 255 bytes")),
        }
    }
}

/// What stands for the payload: the time and the body, the body encoded on its own.
fn payload(time: &str, body: &[u8]) -> String {
    jws::encoded(format!("{time}.{}", jws::encoded(body)).as_bytes())
}
