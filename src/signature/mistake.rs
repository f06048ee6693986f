//! The known mistakes of senders, proxies and people who copy headers.

use http::HeaderMap;

/// A mistake and its remedy. Never quotes a header or a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    pub found: String,
    pub advice: &'static str,
}

/// Headers as they may have been before a mistake.
#[derive(Debug)]
pub struct Mended {
    pub headers: HeaderMap,
    pub mistake: Mistake,
}
