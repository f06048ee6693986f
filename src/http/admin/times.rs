//! Points in time, as they are shown and as they are typed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The message about an invalid time.
pub(super) const EXPECTED: &str =
    "a time is written as 2026-01-31T12:00:00Z, or without the Z or the hours";

/// A time without a zone is in UTC, like all shown times; an empty field is no time.
pub(super) fn moment(text: &str) -> Result<Option<Timestamp>, jiff::Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let zoned = |at: DateTime| at.to_zoned(TimeZone::UTC).map(|at| at.timestamp());
    text.parse().or_else(|_| text.parse::<DateTime>().and_then(zoned)).map(Some)
}

/// The start and the end that the operator typed; `None` if one of them is invalid.
pub(super) fn range(since: &str, until: &str) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
    Some((moment(since).ok()?, moment(until).ok()?))
}
