//! The kinds of entities, and what the mirrors show of one, with a struct for each kind.

use std::fmt;

use jiff::Timestamp;

use super::RawJson;

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

/// An entity as its mirror shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub key: Key,
    pub profile: Profile,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    /// Banned, deprovisioned or restricted by an administrator; a membership: invited, or deactivated.
    pub disabled: bool,
    pub raw: RawJson,
}

impl Record {
    pub fn kind(&self) -> Kind {
        self.key.kind
    }

    pub fn id(&self) -> &str {
        &self.key.id
    }

    /// The user and the organization that a membership or a grant connects.
    pub fn ties(&self) -> (Option<&str>, Option<&str>) {
        match &self.profile {
            Profile::Membership(Membership { user_id, organization_id, .. }) => {
                (Some(user_id), Some(organization_id))
            }
            Profile::Grant(Grant { user_id, organization_id, .. }) => {
                (Some(user_id), organization_id.as_deref())
            }
            _ => (None, None),
        }
    }

    /// The profile of a user; `None` for any other kind.
    pub fn user(&self) -> Option<&User> {
        match &self.profile {
            Profile::User(user) => Some(user),
            _ => None,
        }
    }
}

/// The columns of a kind beyond those that every kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    User(User),
    Organization(Organization),
    Membership(Membership),
    Role(Role),
    Grant(Grant),
}

impl Profile {
    pub fn kind(&self) -> Kind {
        match self {
            Self::User(_) => Kind::User,
            Self::Organization(_) => Kind::Organization,
            Self::Membership(_) => Kind::Membership,
            Self::Role(_) => Kind::Role,
            Self::Grant(_) => Kind::Grant,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: Option<String>,
    pub email: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub name: Option<String>,
    pub slug: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub user_id: String,
    pub organization_id: String,
    /// The key of the role, if the provider has roles.
    pub role: Option<String>,
    /// The permissions that the provider lists in addition to the role.
    pub permissions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub key: String,
    pub name: Option<String>,
    pub permissions: Vec<String>,
}

/// A permission that a user has in addition to those of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub user_id: String,
    /// `None` if it applies to the whole project.
    pub organization_id: Option<String>,
    pub permission: String,
}
