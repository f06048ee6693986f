//! The mirrors, each a row of data: its kind, its table, its columns, and how a record fills them.

pub mod check;
pub mod lost;
pub(super) mod render;

use crate::model::{Grant, Kind, Membership, Organization, Profile, Role, User};

/// The table of one kind, in the schema `neon_auth`.
#[derive(Debug)]
pub struct Mirror {
    pub kind: Kind,
    /// The name with its schema.
    pub table: &'static str,
    /// The comment on the table.
    pub about: &'static str,
    /// The kind's own columns, which stand between `id` and `created_at`.
    pub columns: &'static [Column],
    /// The indexes in addition to the one on `deleted_at`: a name and the columns.
    pub indexes: &'static [(&'static str, &'static str)],
    /// The usual names of an application's column for its ids, in lower case without underscores.
    pub called: &'static [&'static str],
    /// The comments on `id` and `created_at`.
    id: &'static str,
    created_at: &'static str,
}

/// One column that only this kind has.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub shape: Shape,
    /// The kind whose id it holds, if any: the row depends on that entity.
    pub refers_to: Option<Kind>,
    pub about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `text`, one of [`texts`].
    Text,
    /// `text[]`, from [`permissions_of`] the profile.
    Permissions,
}

impl Shape {
    pub fn sql_type(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Permissions => "text[]",
        }
    }
}

const fn text(name: &'static str, about: &'static str) -> Column {
    Column { name, shape: Shape::Text, refers_to: None, about }
}

const fn reference(name: &'static str, to: Kind, about: &'static str) -> Column {
    Column { name, shape: Shape::Text, refers_to: Some(to), about }
}

const fn permissions(about: &'static str) -> Column {
    Column { name: "permissions", shape: Shape::Permissions, refers_to: None, about }
}

/// Every mirror, one for each kind, in the order of [`Kind::ALL`].
pub static ALL: [Mirror; 5] = [
    Mirror {
        kind: Kind::User,
        table: "neon_auth.users_sync",
        about: "The auth provider's users, kept by users-sync. Join to it, put foreign keys on id; do not write to it.",
        called: &["userid", "ownerid", "authorid", "authuserid", "externaluserid", "createdby"],
        id: "The provider's user id.",
        created_at: "When the user signed up, as the provider says.",
        columns: &[
            text("name", "Display name; null where the provider has none."),
            text("email", "Primary e-mail address; null where there is none. Not unique."),
        ],
        indexes: &[],
    },
    Mirror {
        kind: Kind::Organization,
        table: "neon_auth.organizations_sync",
        about: "The auth provider's organizations or teams, kept by users-sync. Join to it, put foreign keys on id; do not write to it.",
        called: &["organizationid", "organisationid", "orgid", "teamid"],
        id: "The provider's organization or team id.",
        created_at: "When the organization was created, as the provider says.",
        columns: &[
            text("name", "Display name; null where the provider has none."),
            text("slug", "The name in URLs; null where the provider has none. Not unique."),
        ],
        indexes: &[],
    },
    Mirror {
        kind: Kind::Membership,
        table: "neon_auth.memberships_sync",
        about: "Who is in which organization, kept by users-sync. Read memberships_active for those that count; do not write to it.",
        called: &[],
        id: "The provider's membership id, or organization_id/user_id where it has none.",
        created_at: "When the membership was created, as the provider says.",
        columns: &[
            reference("user_id", Kind::User, "The member."),
            reference("organization_id", Kind::Organization, "The organization."),
            text("role", "The key of the member's role; null where the provider has no roles."),
            permissions(
                "The permissions that the provider lists for the member in addition to the role of roles_sync.",
            ),
        ],
        indexes: &[
            ("memberships_sync_user_id_idx", "user_id, organization_id"),
            ("memberships_sync_organization_id_idx", "organization_id, user_id"),
        ],
    },
    Mirror {
        kind: Kind::Role,
        table: "neon_auth.roles_sync",
        about: "The auth provider's roles, kept by users-sync. Do not write to it.",
        called: &[],
        id: "The provider's role id.",
        created_at: "When the role was created, as the provider says.",
        columns: &[
            text("key", "The key by which memberships refer to the role."),
            text("name", "Display name; null where the provider has none."),
            permissions("What every member with the role may do."),
        ],
        indexes: &[("roles_sync_key_idx", "key")],
    },
    Mirror {
        kind: Kind::Grant,
        table: "neon_auth.grants_sync",
        about: "Permissions that single users have, kept by users-sync. Do not write to it.",
        called: &[],
        id: "The parts that identify the grant: organization_id/user_id/permission, or user_id/permission.",
        created_at: "When the grant was created, as the provider says.",
        columns: &[
            reference("user_id", Kind::User, "The user who has the permission."),
            reference(
                "organization_id",
                Kind::Organization,
                "The organization that it applies to; null for the whole project.",
            ),
            text("permission", "The provider's id of the permission."),
        ],
        indexes: &[
            ("grants_sync_user_id_idx", "user_id, organization_id, permission"),
            ("grants_sync_organization_id_idx", "organization_id"),
        ],
    },
];

impl Mirror {
    /// The columns that refer to another entity, with its kind.
    pub fn references(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        self.columns.iter().filter_map(|column| Some((column.name, column.refers_to?)))
    }
}

/// The mirrors whose deleted rows the delete policy removes. A role is about no user, and only its row says which members have
/// lost it.
pub fn purged() -> impl Iterator<Item = &'static Mirror> {
    ALL.iter().filter(|mirror| mirror.kind != Kind::Role)
}

/// The mirror of a kind.
pub fn of(kind: Kind) -> &'static Mirror {
    ALL.iter().find(|mirror| mirror.kind == kind).expect("every kind has a mirror")
}

/// The values of a kind's text columns, in their order.
pub fn texts(profile: &Profile) -> Vec<Option<&str>> {
    match profile {
        Profile::User(User { name, email }) => vec![name.as_deref(), email.as_deref()],
        Profile::Organization(Organization { name, slug }) => {
            vec![name.as_deref(), slug.as_deref()]
        }
        Profile::Membership(Membership { user_id, organization_id, role, permissions: _ }) => {
            vec![Some(user_id), Some(organization_id), role.as_deref()]
        }
        Profile::Role(Role { key, name, permissions: _ }) => vec![Some(key), name.as_deref()],
        Profile::Grant(Grant { user_id, organization_id, permission }) => {
            vec![Some(user_id), organization_id.as_deref(), Some(permission)]
        }
    }
}

/// The value of the column `permissions`, for the kinds that have one.
pub fn permissions_of(profile: &Profile) -> Option<&[String]> {
    match profile {
        Profile::Membership(Membership { permissions, .. })
        | Profile::Role(Role { permissions, .. }) => Some(permissions),
        _ => None,
    }
}
