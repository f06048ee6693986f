//! What we keep: entities, their changes and versions, and the outcome of a delivery. No I/O.

mod outcome;
mod record;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

pub use outcome::{Effect, Outcome, Subject};
pub use record::{Grant, Key, Kind, Membership, Organization, Profile, Record, Role, User};

/// The id that a sender gives a delivery; every attempt and every replay of it has the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(Arc<str>);

impl DeliveryId {
    /// The longest id in bytes: it is an index key.
    pub const MAX_LEN: usize = 255;

    pub fn new(id: &str) -> Option<Self> {
        let readable = !id.is_empty() && id.len() <= Self::MAX_LEN && !id.contains('\0');
        readable.then(|| Self(id.into()))
    }

    /// An id read from our tables, which accepted it before.
    pub fn recorded(id: &str) -> Self {
        Self(id.into())
    }

    /// The id of a delivery that has none of its own: the hash of what its sender signed.
    pub fn of(signed: &[u8]) -> Self {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signed);
        Self(format!("sha256_{}", hex::encode(hash)).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of a snapshot in its entity's history: a total order, in which the delivery's id breaks ties bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub at: Timestamp,
    pub delivery: DeliveryId,
}

/// JSON text that goes to `jsonb` byte for byte, so that numbers keep all their digits.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(pub Bytes);

impl RawJson {
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Written unchanged: numbers are not rounded, and the nesting depth has no limit.
impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_slice::<&RawValue>(&self.0)
            .map_err(S::Error::custom)?
            .serialize(serializer)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

/// What a delivery or an API's answer says about one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is a snapshot")]
pub enum Change {
    Snapshot {
        version: Version,
        record: Record,
        /// Set if the provider says that the entity exists at this moment, even if it was deleted before: earlier
        /// deletions no longer count.
        fence: Option<Timestamp>,
    },
    Deleted {
        key: Key,
        at: Timestamp,
    },
}

impl Change {
    pub fn key(&self) -> &Key {
        match self {
            Self::Snapshot { record, .. } => &record.key,
            Self::Deleted { key, .. } => key,
        }
    }

    /// What it shows; `None` for a deletion.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Snapshot { record, .. } => Some(record),
            Self::Deleted { .. } => None,
        }
    }

    pub fn is_deletion(&self) -> bool {
        matches!(self, Self::Deleted { .. })
    }

    /// When the provider made this change.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Snapshot { version, .. } => version.at,
            Self::Deleted { at, .. } => *at,
        }
    }

    /// Marks the change as the API's answer, as of `fence`, to a question about this one entity.
    pub fn fenced(self, fence: Option<Timestamp>) -> Self {
        match self {
            Self::Snapshot { version, record, .. } => Self::Snapshot { version, record, fence },
            deleted @ Self::Deleted { .. } => deleted,
        }
    }
}

/// What a provider's API said about one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub source: Arc<str>,
    pub change: Change,
}

/// What happens to the rows of deleted users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// They stay.
    Soft,
    /// They are emptied this long after the deletion.
    Scrub(SignedDuration),
    /// They are removed this long after the deletion, so that the application's `ON DELETE` fires.
    Hard(SignedDuration),
}
