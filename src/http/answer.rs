//! Reads the answers of this service for the commands that call it.

use std::fmt;

use axum::http::StatusCode;
use serde_json::Value;

/// An answer to a request of ours.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    pub text: String,
}

/// The result of a delivery with a valid but old signature, which shows what a proxy changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Only the age was refused: head and body arrived as they were sent.
    Untouched,
    NoSecretMatches,
    HeadersDropped,
    Redirected,
    LoginWanted,
    OtherPath,
    OtherMethod,
    NoService,
    /// No answer that this service gives.
    Unknown,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Result<Self, reqwest::Error> {
        Ok(Self { status: response.status(), text: response.text().await? })
    }

    pub fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// The reason in a refusal; empty for any other answer.
    pub fn reason(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_default();
        problem["reason"].as_str().unwrap_or_default().to_owned()
    }

    pub fn passage(&self) -> Passage {
        let reason = self.reason();
        match (self.status.as_u16(), &*reason) {
            (401, reason) if reason.starts_with("too old") => Passage::Untouched,
            (401, "no secret matches") => Passage::NoSecretMatches,
            (400, reason) if reason.starts_with("the header") => Passage::HeadersDropped,
            (300..=399, _) => Passage::Redirected,
            (401 | 403, _) => Passage::LoginWanted,
            (404, _) => Passage::OtherPath,
            (405, _) => Passage::OtherMethod,
            (502..=504, _) => Passage::NoService,
            _ => Passage::Unknown,
        }
    }
}

/// The status: `401 Unauthorized`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)
    }
}
