//! What we keep: users, their changes and versions, and what becomes of a delivery. No I/O.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

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

/// What kind of entity a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    User,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
        }
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

/// A user as the mirror shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Banned, deprovisioned or restricted by an administrator.
    pub disabled: bool,
    pub raw: RawJson,
}

/// What a delivery says about one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Snapshot { version: Version, user: User },
    Deleted { kind: Kind, id: String, at: Timestamp },
}

impl Change {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Snapshot { .. } => Kind::User,
            Self::Deleted { kind, .. } => *kind,
        }
    }

    pub fn entity_id(&self) -> &str {
        match self {
            Self::Snapshot { user, .. } => &user.id,
            Self::Deleted { id, .. } => id,
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
}

/// What a provider's API said of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub source: Arc<str>,
    pub change: Change,
    /// Set where the API was asked whether this one user exists, and showed it: what deleted it before then is past.
    pub fence: Option<Timestamp>,
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
    /// A user's row that the delete policy could not purge; its id is the user.
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
