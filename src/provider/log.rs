//! A provider's log of events, which can be read without a public address.

use super::api::{Answer, IsOff, Query};
use crate::json::{Object, Unreadable};

/// A log whose events have the form of a delivery's body.
#[derive(Clone, Copy)]
pub struct Log {
    pub path: &'static str,
    /// The query of the page after a cursor, or of the oldest one; it narrows the log to these events.
    pub query: fn(&[&str], Option<&str>) -> Query,
    pub page: LogPageOf,
    /// Whether a refusal of a page after a cursor says that the log no longer reaches back to it.
    pub is_lost: IsOff,
}

pub type LogPageOf = for<'a> fn(&Answer<'a>) -> Result<LogPage<'a>, Unreadable>;

/// One page of a log.
pub struct LogPage<'a> {
    /// The oldest first.
    pub events: Vec<Object<'a>>,
    /// The place after the last event; `None` if there is no event.
    pub cursor: Option<String>,
}
