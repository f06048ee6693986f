//! The results of our work: what a commit did, what happened to a delivery, and what a finding is about.

use std::fmt;

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

/// What happened to a delivery, as committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tables hold what it says.
    Applied,
    /// The tables already hold a newer version.
    Stale,
    /// This delivery was processed before.
    Duplicate,
    /// It is not about an entity that we keep.
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
    /// An event log that no longer reaches back to where it was read; its id is the source.
    Log,
    /// A mirror without some rows that the ledger knows; its id is the table.
    Mirror,
    /// A row that the delete policy could not purge; its id is a user's, or another kind and its id.
    Purge,
    /// Deliveries that have been in quarantine for long; its id is the source.
    Quarantine,
    /// A reconcile that was refused or could not read every user; its id is the source.
    Reconcile,
}

impl Subject {
    pub const ALL: [Self; 6] =
        [Self::Backfill, Self::Log, Self::Mirror, Self::Purge, Self::Quarantine, Self::Reconcile];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Log => "log",
            Self::Mirror => "mirror",
            Self::Purge => "purge",
            Self::Quarantine => "quarantine",
            Self::Reconcile => "reconcile",
        }
    }
}
