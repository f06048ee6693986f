//! One header of a request, which may have several lines.

use http::{HeaderMap, HeaderValue};

use super::Rejection;

/// A header, which may have several lines.
pub(super) struct Header<'a> {
    pub(super) name: &'static str,
    pub(super) lines: Vec<&'a str>,
}

impl<'a> Header<'a> {
    pub(super) fn find(headers: &'a HeaderMap, name: &'static str) -> Result<Self, Rejection> {
        let text = |value: &'a HeaderValue| value.to_str().map(str::trim);
        let lines = headers.get_all(name).iter().map(text).collect::<Result<Vec<_>, _>>();
        let expected = "visible ASCII";
        let malformed = Rejection::MalformedHeader { header: name, expected };
        let lines = lines.map_err(|_| malformed)?;
        if lines.is_empty() {
            return Err(Rejection::MissingHeader(name));
        }
        Ok(Self { name, lines })
    }

    /// The value that all lines share: if they differ, a proxy added one, and the signature does not show which.
    pub(super) fn single(&self) -> Result<&'a str, Rejection> {
        let text = self.lines.first().copied().unwrap_or_default();
        let is_same = self.lines.iter().all(|line| *line == text);
        if is_same { Ok(text) } else { Err(self.malformed("one value")) }
    }

    pub(super) fn malformed(&self, expected: &'static str) -> Rejection {
        Rejection::MalformedHeader { header: self.name, expected }
    }
}

/// The value of a header that a request has once.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Rejection> {
    Header::find(headers, name)?.single()
}
