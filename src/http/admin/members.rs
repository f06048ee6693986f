//! Memberships and grants, as tables with links.

use super::links;
use crate::db::entities::{Grant, Membership, Page, Place};
use crate::http::organizations::cursor;
use crate::model::{Key, Kind};

/// A page of the memberships of one entity.
pub(super) struct Members {
    pub(super) rows: Vec<Member>,
    pub(super) next: Option<String>,
}

/// A membership, seen from one of its sides.
pub(super) struct Member {
    pub(super) href: String,
    pub(super) id: String,
    /// The page of the other side.
    pub(super) other_href: String,
    pub(super) other: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) permissions: String,
    pub(super) state: &'static str,
}

impl Members {
    /// `of` is whose they are; `href` makes the address of the page that begins at a cursor.
    pub(super) fn of(of: &Key, page: Page, href: impl Fn(&str) -> String) -> Self {
        let Page { found, next } = page;
        let next = next.as_ref().map(|next: &Place| href(&cursor(next)));
        Self { rows: found.into_iter().map(|found| member(of, found)).collect(), next }
    }
}

fn member(of: &Key, found: Membership) -> Member {
    let Membership { id, user_id, organization_id, name, role, permissions, .. } = found;
    let (kind, other) = match of.kind {
        Kind::User => (Kind::Organization, organization_id),
        _ => (Kind::User, user_id),
    };
    let other = other.unwrap_or_default();
    Member {
        href: links::entity(Kind::Membership.as_str(), &id),
        other_href: links::entity(kind.as_str(), &other),
        name: name.unwrap_or_default(),
        role: role.unwrap_or_default(),
        permissions: permissions.unwrap_or_default().join(", "),
        state: match (found.active, found.deleted_at) {
            (true, _) => "active",
            (false, Some(_)) => "deleted",
            (false, None) => "not active",
        },
        id,
        other,
    }
}

pub(super) struct GrantLine {
    pub(super) href: String,
    pub(super) permission: String,
    pub(super) organization: Option<(String, String)>,
    pub(super) is_deleted: bool,
}

impl GrantLine {
    pub(super) fn of(found: Grant) -> Self {
        let Grant { id, organization_id, permission, deleted_at } = found;
        let organization = organization_id.map(|id| {
            let href = links::entity(Kind::Organization.as_str(), &id);
            (href, id)
        });
        Self {
            href: links::entity(Kind::Grant.as_str(), &id),
            permission: permission.unwrap_or(id),
            organization,
            is_deleted: deleted_at.is_some(),
        }
    }
}
