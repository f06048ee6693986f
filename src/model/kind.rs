//! The kinds of entities that we keep, and the key of one entity.

use std::fmt;

/// What kind of entity a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    User,
    Organization,
    Membership,
    Role,
    Grant,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::User, Self::Organization, Self::Membership, Self::Role, Self::Grant];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
            Self::Membership => "membership",
            Self::Role => "role",
            Self::Grant => "grant",
        }
    }

    /// The word for several of them.
    pub fn plural(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Organization => "organizations",
            Self::Membership => "memberships",
            Self::Role => "roles",
            Self::Grant => "grants",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub kind: Kind,
    pub id: String,
}

impl Key {
    pub fn new(kind: Kind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    pub fn user(id: impl Into<String>) -> Self {
        Self::new(Kind::User, id)
    }
}
