//! Why a request is not a delivery.

/// Why a request is not a delivery. Never quotes a header, a body or a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the header {0} is missing")]
    MissingHeader(&'static str),
    #[error("the header {header} is malformed: {expected} is expected")]
    MalformedHeader { header: &'static str, expected: &'static str },
    #[error("the body is malformed: {0} is expected")]
    MalformedBody(&'static str),
    #[error("no secret matches")]
    NoSecretMatches,
    #[error("the provider publishes no key with this id")]
    UnknownKey,
    #[error("the signature is for another body")]
    OtherBody,
    #[error("too old by {0} s")]
    TooOld(i64),
    #[error("too new by {0} s")]
    TooNew(i64),
}

impl Rejection {
    pub fn reason(&self) -> Reason {
        match self {
            Self::MissingHeader(_) => Reason::MissingHeader,
            Self::MalformedHeader { .. } => Reason::MalformedHeader,
            Self::MalformedBody(_) => Reason::MalformedBody,
            Self::NoSecretMatches => Reason::NoSecretMatches,
            Self::UnknownKey => Reason::UnknownKey,
            Self::OtherBody => Reason::OtherBody,
            Self::TooOld(_) => Reason::TooOld,
            Self::TooNew(_) => Reason::TooNew,
        }
    }

    /// The header that is at fault, if one is.
    pub fn header(&self) -> Option<&'static str> {
        match self {
            Self::MissingHeader(header) | Self::MalformedHeader { header, .. } => Some(header),
            _ => None,
        }
    }

    /// Whether the request has no signature that could be checked, so that no secret is at fault.
    pub fn is_malformed(&self) -> bool {
        let reason = self.reason();
        let malformed = [Reason::MissingHeader, Reason::MalformedHeader, Reason::MalformedBody];
        malformed.contains(&reason)
    }
}

/// The kind of a rejection, without the details of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    NoSecretMatches,
    UnknownKey,
    OtherBody,
    TooOld,
    TooNew,
    MissingHeader,
    MalformedHeader,
    MalformedBody,
}

impl Reason {
    pub const ALL: [Self; 8] = [
        Self::NoSecretMatches,
        Self::UnknownKey,
        Self::OtherBody,
        Self::TooOld,
        Self::TooNew,
        Self::MissingHeader,
        Self::MalformedHeader,
        Self::MalformedBody,
    ];

    /// The name in metrics and JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSecretMatches => "no_secret_matches",
            Self::UnknownKey => "unknown_key",
            Self::OtherBody => "other_body",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
            Self::MalformedBody => "malformed_body",
        }
    }
}

/// Checked after the signature: any sender can write a fresh time, and `too old` must mean that the body came through
/// unchanged. All in seconds.
pub(super) fn within(tolerance: i64, sent_at: i64, now: i64) -> Result<(), Rejection> {
    let age = now.saturating_sub(sent_at);
    if age > tolerance {
        return Err(Rejection::TooOld(age - tolerance));
    }
    if age < -tolerance {
        return Err(Rejection::TooNew(age.saturating_add(tolerance).saturating_abs()));
    }
    Ok(())
}
