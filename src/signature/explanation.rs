//! A scheme in words, for operators.

use super::Scheme;

impl Scheme {
    /// What the provider signs, and for how long a request counts.
    pub fn explanation(self) -> String {
        let signs = match self {
            Self::Svix => "an HMAC over the id, the time and the body",
            Self::Stamped(_) => "an HMAC over the time and the body",
            Self::Digest(_) => "an HMAC over the body",
            Self::Token(_) => "a signed token with the content",
            Self::Bound(bound) if bound.hash.is_some() => "a signed token with a hash of the body",
            Self::Bound(_) => "a signed token that does not name the body",
            Self::Detached(_) => "a detached signature over the time and the body",
            Self::Shared(_) => "a fixed secret in a header",
        };
        let validity = match (self, self.tolerance()) {
            (_, Some(seconds)) => format!("a request counts for {seconds} s"),
            (Self::Token(_) | Self::Bound(_), None) => {
                "a request counts until its token expires, if the token says when".to_owned()
            }
            (_, None) => "it carries no time, so a recorded request stays valid: the law makes its repetition harmless".to_owned(),
        };
        format!("{signs}; {validity}")
    }
}
