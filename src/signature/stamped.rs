//! `t=…,v1=…`: HMAC-SHA256 in hex over the time, a dot and the body, as WorkOS, ZITADEL and Better Auth's draft sign:
//! <https://workos.com/docs/events/data-syncing/webhooks>, <https://zitadel.com/docs/guides/integrate/actions/testing-event>

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use http::HeaderMap;
use jiff::Timestamp;

use super::header::{Header, single};
use super::rejection::within;
use super::{Keys, Message, Method, Mistake, Proof, Rejection, Secret, Signed, Unsignable};

/// A header with the time of the attempt and one or more signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamped {
    pub header: &'static str,
    pub unit: Unit,
    /// Seconds that the sender's clock may be off, both ways.
    pub tolerance: i64,
}

/// What the time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
}

/// The limit of signatures in one request: a sender that rotates its secret sends two.
const MOST_SIGNATURES: usize = 32;

impl Method for Stamped {
    fn headers(&self) -> String {
        self.header.to_owned()
    }

    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(self.header)
    }

    fn tolerance(&self) -> Option<i64> {
        Some(self.tolerance)
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.claim(headers).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        let Claim { time, sent_at, signatures } = self.claim(headers)?;
        let signed = signed(time, body);
        // One HMAC for each secret, however many signatures there are.
        let is_right = |secret: &Secret| {
            let right = hmac::sign(secret.hmac(), &signed);
            signatures.iter().any(|it| verify_slices_are_equal(it, right.as_ref()).is_ok())
        };
        let secret = keys.secrets.iter().position(is_right).ok_or(Rejection::NoSecretMatches)?;
        within(self.tolerance, sent_at.as_second(), now.as_second())?;
        Ok(Proof { secret: Some(secret), ..Proof::default() })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let time = match self.unit {
            Unit::Seconds => message.sent_at.as_second(),
            Unit::Milliseconds => message.sent_at.as_millisecond(),
        };
        let tag = hmac::sign(secret.hmac(), &signed(&time.to_string(), message.body.as_bytes()));
        let value = format!("t={time},v1={}", hex::encode(tag));
        Ok(Signed::with(vec![(self.header, value)], message))
    }

    fn sent_at(&self, headers: &HeaderMap, _: &[u8]) -> Option<Timestamp> {
        Some(self.claim(headers).ok()?.sent_at)
    }

    fn wrong_unit(&self, headers: &HeaderMap) -> Option<Mistake> {
        let text = single(headers, self.header).ok()?;
        let time = text.split(',').find_map(|part| part.trim().strip_prefix("t="))?;
        match self.unit {
            Unit::Seconds => Mistake::milliseconds(time.parse().ok()?),
            Unit::Milliseconds => Mistake::seconds(time.parse().ok()?),
        }
    }
}

/// The parsed header of a request.
struct Claim<'a> {
    /// As it is signed.
    time: &'a str,
    sent_at: Timestamp,
    signatures: Vec<Vec<u8>>,
}

impl Stamped {
    fn claim<'a>(&self, headers: &'a HeaderMap) -> Result<Claim<'a>, Rejection> {
        let malformed =
            |expected| Header::find(headers, self.header).map(|it| it.malformed(expected));
        let text = single(headers, self.header)?;
        let (mut times, mut signatures) = (Vec::new(), Vec::new());
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some(("t", time)) => times.push(time),
                Some(("v1", signature)) => signatures.extend(hex::decode(signature)),
                // Other versions stand beside it and are skipped.
                _ => {}
            }
        }
        let [time] = times[..] else { return Err(malformed("one time as `t=…`")?) };
        let Some(sent_at) = self.instant(time) else {
            return Err(malformed("a time since 1970 as a whole number")?);
        };
        match signatures.len() {
            0 => Err(malformed("`v1=` and a signature in hex")?),
            1..=MOST_SIGNATURES => Ok(Claim { time, sent_at, signatures }),
            _ => Err(malformed("a list of at most 32 signatures")?),
        }
    }

    fn instant(&self, time: &str) -> Option<Timestamp> {
        let is_whole = !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit());
        let number = time.parse().ok().filter(|_| is_whole)?;
        match self.unit {
            Unit::Seconds => Timestamp::from_second(number).ok(),
            Unit::Milliseconds => Timestamp::from_millisecond(number).ok(),
        }
    }
}

fn signed(time: &str, body: &[u8]) -> Vec<u8> {
    [time.as_bytes(), b".", body].concat()
}
