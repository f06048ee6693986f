//! One event: what a provider's file gets to read, and what it makes of it.

use bytes::Bytes;
use jiff::Timestamp;

use crate::json::{Object, Unreadable};
use crate::model::{Change, DeliveryId, Key, RawJson, Version};

/// A verified body after parsing: its event type, its content and how it arrived.
pub struct Envelope<'a> {
    pub event_type: &'a str,
    pub body: Object<'a>,
    pub bytes: &'a Bytes,
    pub delivery: &'a DeliveryId,
    /// When the provider made the delivery, or when we first received it.
    pub made_at: Timestamp,
}

impl<'a> Envelope<'a> {
    /// The object that every event of a known type holds.
    pub fn data(&self) -> Result<Object<'a>, Unreadable> {
        self.part("data")
    }

    /// An object of the body that must exist.
    pub fn part(&self, field: &'static str) -> Result<Object<'a>, Unreadable> {
        self.body.object(field)?.ok_or(Unreadable::Missing { field })
    }

    /// The version of a snapshot that was made at this time.
    pub fn version(&self, at: Timestamp) -> Version {
        Version { at, delivery: self.delivery.clone() }
    }
}

/// The text of an object in these bytes, without a copy.
pub(super) fn raw(object: &Object<'_>, bytes: &Bytes) -> RawJson {
    RawJson(bytes.slice_ref(object.text().as_bytes()))
}

/// The first and the last name from these fields, as far as they are there.
pub(super) fn full_name(
    object: &Object<'_>,
    first: &'static str,
    last: &'static str,
) -> Result<Option<String>, Unreadable> {
    Ok(match (object.filled(first)?, object.filled(last)?) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    })
}

/// A time that was set: programs in Go write the first instant of the year 1 where there is none.
pub(super) fn set_time(
    object: &Object<'_>,
    field: &'static str,
) -> Result<Option<Timestamp>, Unreadable> {
    const UNSET: i64 = -62_135_596_800;
    Ok(object.date(field)?.filter(|at| at.as_second() != UNSET))
}

/// What a readable delivery says.
#[derive(Debug)]
pub enum Meaning {
    /// At least one.
    Changes(Vec<Change>),
    /// It names entities whose content only the provider's API shows; what it says itself stands beside them.
    Names { keys: Vec<Key>, changes: Vec<Change> },
    /// It says nothing that we keep; the text is the reason.
    Ignored(&'static str),
}

pub const UNSUPPORTED: Meaning = Meaning::Ignored("unsupported event type");
pub const TEST_DELIVERY: Meaning = Meaning::Ignored("test delivery");

/// The content of a sample delivery.
pub struct Sample<'a> {
    pub event_type: &'a str,
    /// Of the entity, where the provider gives it one of its own.
    pub id: &'a str,
    /// Whom a membership or a grant is about, and where.
    pub user_id: &'a str,
    pub organization_id: &'a str,
    /// The user's.
    pub email: &'a str,
    pub now: Timestamp,
}
