//! What we keep: users, their changes and versions, and what becomes of a delivery. No I/O.

mod record;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

pub use record::{Grant, Key, Kind, Membership, Organization, Profile, Record, Role, User};

/// The id that a sender gives a delivery; every attempt and every replay of it carries the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(Arc<str>);

impl DeliveryId {
    /// Longest id in bytes: it is an index key.
    pub const MAX_LEN: usize = 255;

    pub fn new(id: &str) -> Option<Self> {
        let readable = !id.is_empty() && id.len() <= Self::MAX_LEN && !id.contains('\0');
        readable.then(|| Self(id.into()))
    }

    /// An id that the tables hold: they can take it once more, whoever wrote it.
    pub fn recorded(id: &str) -> Self {
        Self(id.into())
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

/// The place of a snapshot in its entity's history: a total order, the delivery's id breaks ties bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub at: Timestamp,
    pub delivery: DeliveryId,
}

/// JSON text that goes to `jsonb` byte for byte, so that nothing of a number is lost on the way.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(pub Bytes);

impl RawJson {
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// As it is: no number is rounded, and no nesting is too deep.
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

/// What a delivery or an answer of an API says about one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is a snapshot")]
pub enum Change {
    Snapshot {
        version: Version,
        record: Record,
        /// Set where the provider says that the entity exists at this moment, deleted before or not: what deleted it earlier
        /// is past.
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

    /// As the API's answer to a question for this one entity, as of `fence`.
    pub fn fenced(self, fence: Option<Timestamp>) -> Self {
        match self {
            Self::Snapshot { version, record, .. } => Self::Snapshot { version, record, fence },
            deleted @ Self::Deleted { .. } => deleted,
        }
    }
}

/// What a provider's API said of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub source: Arc<str>,
    pub change: Change,
}

/// What a commit did to a mirror row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Created,
    Updated,
    Deleted,
    Restored,
}

impl Effect {
    pub const ALL: [Self; 4] = [Self::Created, Self::Updated, Self::Deleted, Self::Restored];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == text)
    }
}

/// What became of a delivery, and is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tables hold what it says.
    Applied,
    /// A newer version was there already.
    Stale,
    /// This delivery had been dealt with before.
    Duplicate,
    /// Not about an entity that we keep.
    Ignored,
    /// Verified but unreadable: stored with its bytes and the reason.
    Quarantined,
}

impl Outcome {
    pub const ALL: [Self; 5] =
        [Self::Applied, Self::Stale, Self::Duplicate, Self::Ignored, Self::Quarantined];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A backfill that could not read every user; its id is the source.
    Backfill,
    /// A mirror that lacks rows which the ledger knows; its id is the table.
    Mirror,
    /// A row that the delete policy could not purge; its id is a user's, or another kind and its id.
    Purge,
    /// Deliveries that are in quarantine for long; its id is the source.
    Quarantine,
    /// A reconcile that was refused or could not read every user; its id is the source.
    Reconcile,
}

impl Subject {
    pub const ALL: [Self; 5] =
        [Self::Backfill, Self::Mirror, Self::Purge, Self::Quarantine, Self::Reconcile];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Mirror => "mirror",
            Self::Purge => "purge",
            Self::Quarantine => "quarantine",
            Self::Reconcile => "reconcile",
        }
    }
}

/// What becomes of the rows of deleted users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// They stay.
    Soft,
    /// They are emptied this long after the deletion.
    Scrub(SignedDuration),
    /// They are removed this long after the deletion, so that the application's `ON DELETE` fires.
    Hard(SignedDuration),
}
