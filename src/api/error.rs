//! Errors of a provider's API, with texts that say what to do. No text contains a key.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::json::Unreadable;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the API's address or a credential cannot be used: {0}")]
    Settings(String),
    #[error("the API cannot be reached")]
    Network(#[source] reqwest::Error),
    #[error("the API answered {status}{}: {}", in_parentheses(code), hint(*status, variables))]
    Status {
        status: u16,
        /// The error's name in the answer.
        code: Option<String>,
        /// Whether the answer has no body.
        is_empty: bool,
        retry_after: Option<Duration>,
        fence: Timestamp,
        /// The variables that the request was made of.
        variables: String,
    },
    #[error("the API answered 404 ({code}), which is not understood as \"no such user\"")]
    NotUnderstood { code: String },
    #[error("the API gives no token: it answered {status}{}; {}", in_parentheses(code), of_token(*status, variables))]
    NoToken { status: u16, code: Option<String>, variables: String },
    #[error("users-sync cannot create users at this provider, or delete them: use its dashboard")]
    OnlyRead,
    #[error("the table does not say whose it is, so the API cannot be asked for it")]
    NoQuestion,
    #[error("the rules of the source leave this entity out: {0}")]
    LeftOut(&'static str),
    #[error("the API's answer cannot be read")]
    Unreadable(#[from] Unreadable),
}

/// The kind of obstacle, for the operator who has to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The key is refused, or may not see users.
    Key,
    /// We sent too many requests.
    Rate,
    /// It is out of order.
    Outage,
    /// Its name cannot be resolved.
    Name,
    /// No trusted TLS connection can be made.
    Tls,
    /// No answer arrives in time.
    Timeout,
    /// No connection can be made for another reason.
    Connection,
    /// The address is not this API's.
    Address,
    /// The answer is not in this API's format.
    Answer,
}

impl Error {
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::Settings(_) => Obstacle::Address,
            Self::Unreadable(_) | Self::NotUnderstood { .. } => Obstacle::Answer,
            Self::NoQuestion | Self::OnlyRead | Self::LeftOut(_) => Obstacle::Answer,
            Self::NoToken { status: 400 | 401 | 403, .. } => Obstacle::Key,
            Self::NoToken { .. } => Obstacle::Address,
            Self::Status { status, .. } => match status {
                401 | 403 => Obstacle::Key,
                429 => Obstacle::Rate,
                status if may_pass(*status) => Obstacle::Outage,
                _ => Obstacle::Address,
            },
            Self::Network(error) if error.is_timeout() => Obstacle::Timeout,
            Self::Network(error) => between(error),
        }
    }

    /// Whether the same request may succeed in a while.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Settings(_) | Self::NotUnderstood { .. } | Self::NoToken { .. } => false,
            Self::NoQuestion | Self::OnlyRead | Self::LeftOut(_) => false,
            Self::Network(error) => !error.is_builder(),
            Self::Status { status, .. } => *status == 429 || may_pass(*status),
            // An answer that was cut off in the middle.
            Self::Unreadable(unreadable) => matches!(unreadable, Unreadable::Syntax { .. }),
        }
    }

    /// Whether the provider certainly did not act on the request, so that it may be sent once more.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Network(error) => error.is_connect(),
            Self::Status { status, .. } => *status == 429,
            Self::Settings(_) | Self::NotUnderstood { .. } | Self::NoToken { .. } => false,
            Self::NoQuestion | Self::OnlyRead | Self::LeftOut(_) | Self::Unreadable(_) => false,
        }
    }

    /// Whether the provider may have done what we asked, although its answer does not say so.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Settings(_) | Self::NotUnderstood { .. } | Self::NoToken { .. } => false,
            Self::NoQuestion | Self::OnlyRead | Self::LeftOut(_) => false,
            Self::Network(error) => !error.is_connect() && !error.is_builder(),
            Self::Status { status, .. } => may_pass(*status),
            Self::Unreadable(_) => true,
        }
    }

    /// Whether the error concerns only the entity in question, not the others, the address or the key.
    pub fn is_about_one(&self) -> bool {
        match self {
            Self::Settings(_) | Self::Network(_) => false,
            Self::NoToken { .. } | Self::OnlyRead => false,
            Self::Status { status, .. } => matches!(status, 400 | 409 | 410 | 422),
            Self::NotUnderstood { .. } | Self::NoQuestion | Self::LeftOut(_) => true,
            // A body that is not JSON may be the page of a proxy in between.
            Self::Unreadable(unreadable) => !matches!(unreadable, Unreadable::Syntax { .. }),
        }
    }

    /// Whether no answer of the API can be written, however often it is asked.
    pub fn is_left_out(&self) -> bool {
        matches!(self, Self::LeftOut(_))
    }

    /// Whether any other request would fail as well.
    pub fn is_out_of_reach(&self) -> bool {
        match self.obstacle() {
            Obstacle::Rate
            | Obstacle::Outage
            | Obstacle::Name
            | Obstacle::Tls
            | Obstacle::Timeout
            | Obstacle::Connection => true,
            Obstacle::Key | Obstacle::Address | Obstacle::Answer => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the API refuses this request for good: an unknown cursor, an impossible user.
    pub fn is_rejection(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 404 | 409 | 422, .. })
    }
}

/// Whether a later request may succeed after this status.
fn may_pass(status: u16) -> bool {
    match status {
        408 | 425 => true,
        // Not implemented, a version or a protocol that it does not have, a loop, a network that wants a sign-in.
        501 | 505 | 506 | 508 | 510 | 511 => false,
        _ => status >= 500,
    }
}

/// The obstacle before any answer; the error's type does not name it, so its causes are searched.
fn between(error: &reqwest::Error) -> Obstacle {
    let first: &Cause = error;
    for cause in std::iter::successors(Some(first), |cause| below(*cause)) {
        if cause.is::<rustls::Error>() {
            return Obstacle::Tls;
        }
        if cause.to_string() == "dns error" {
            return Obstacle::Name;
        }
    }
    Obstacle::Connection
}

type Cause = dyn std::error::Error + 'static;

/// What an `io::Error` holds is not its source, but what comes after it is.
fn below(cause: &Cause) -> Option<&Cause> {
    let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.map(|held| held as &Cause).or_else(|| cause.source())
}

fn in_parentheses(code: &Option<String>) -> String {
    code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default()
}

fn hint(status: u16, variables: &str) -> String {
    match status {
        401 => format!("the key is refused; is {variables} of this instance?"),
        403 => format!("the key has no permission for users; look at {variables}"),
        404 => format!("there is no such thing; are the address and {variables} right?"),
        status if may_pass(status) => "it is out of order".into(),
        429 => "it was asked too often".into(),
        300..=399 => "it has moved; is the address right?".into(),
        _ => "it does not take the request".into(),
    }
}

fn of_token(status: u16, variables: &str) -> String {
    match status {
        400 | 401 | 403 => format!(
            "are {variables} those of one application of this tenant, and may it use the API that lists users?"
        ),
        _ => "is the address of the API right?".into(),
    }
}
