//! The known mistakes of senders, proxies and people who copy headers.

use http::HeaderMap;

use super::{Scheme, Secret, svix};

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

impl Scheme {
    /// The fault of the headers that makes every secret and every body fail.
    pub fn wrong_unit(self, headers: &HeaderMap) -> Option<Mistake> {
        match self {
            Self::Svix => svix::mistakes::milliseconds(headers),
        }
    }

    /// The headers without a mistake, for each that is known; one that verifies proves that mistake.
    pub fn mended(self, headers: &HeaderMap) -> Vec<Mended> {
        match self {
            Self::Svix => svix::mistakes::mended(headers),
        }
    }

    /// Why no body and no secret fits the signature.
    pub fn unreadable_signature(self, headers: &HeaderMap) -> Option<Mistake> {
        match self {
            Self::Svix => svix::mistakes::unreadable_signature(headers),
        }
    }

    /// Keys that a sender uses by mistake if it does not decode the text of the secret.
    pub fn undecoded(self, secret: &Secret) -> Vec<Secret> {
        match self {
            Self::Svix => svix::mistakes::undecoded(secret),
        }
    }
}
