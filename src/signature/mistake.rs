//! The known mistakes of senders, proxies and people who copy headers.

use http::HeaderMap;

/// A mistake and its remedy. Never quotes a header or a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    pub found: String,
    pub advice: &'static str,
}

/// A number of seconds before the year 5138 is smaller: a larger number counts milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;

impl Mistake {
    pub(super) fn milliseconds(time: i64) -> Option<Self> {
        (time > MILLISECONDS).then(|| Self {
            found: "the timestamp counts milliseconds".into(),
            advice: "sign and send whole seconds since 1970",
        })
    }

    pub(super) fn seconds(time: i64) -> Option<Self> {
        (time <= MILLISECONDS).then(|| Self {
            found: "the timestamp counts seconds".into(),
            advice: "sign and send milliseconds since 1970",
        })
    }
}

/// Headers as they may have been before a mistake.
#[derive(Debug)]
pub struct Mended {
    pub headers: HeaderMap,
    pub mistake: Mistake,
}
