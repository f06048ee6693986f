//! Keys that a stranger can know or guess.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Secret;

/// Svix makes keys of 24 bytes: a shorter one was cut while it was copied, or made by hand.
const SHORTEST: usize = 24;
/// Among 24 random bytes there are hardly ever fewer than this.
const FEWEST_DIFFERENT: usize = 8;

/// Examples of documentation and test suites: of Svix, of Standard Webhooks, of our `.env.example`.
const PUBLISHED: [&str; 5] = [
    "5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH",
    "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "C2FVsBQIhrscChlQIMV+b5sSYspob7oLkPBEB3QKLYQ=",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw",
];

/// Why a key protects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    #[error("has less than {SHORTEST} bytes")]
    Short,
    #[error("is an example that documentation publishes")]
    Published,
    #[error("repeats a few characters")]
    Repetitive,
}

impl Secret {
    /// The weakness that lets a stranger sign deliveries; `None` for a strong key.
    pub fn weakness(&self) -> Option<Weakness> {
        let key = self.expose();
        if PUBLISHED.contains(&&*STANDARD.encode(key)) {
            return Some(Weakness::Published);
        }
        if key.len() < SHORTEST {
            return Some(Weakness::Short);
        }
        let different = key.iter().collect::<BTreeSet<_>>().len();
        (different < FEWEST_DIFFERENT).then_some(Weakness::Repetitive)
    }
}
