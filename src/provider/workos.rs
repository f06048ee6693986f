//! WorkOS: <https://workos.com/docs/events>

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, UNSUPPORTED, composed, full_name, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Membership, Organization, Profile, Record, Role, User};
use crate::signature::{Scheme, Stamped, Unit};

pub(super) static PROVIDER: Provider = Provider {
    name: "workos",
    title: "WorkOS",
    // <https://workos.com/docs/events/data-syncing/webhooks>; the secret is used as it is, with its `whsec_`.
    scheme: Scheme::Stamped(Stamped {
        header: "workos-signature",
        unit: Unit::Milliseconds,
        tolerance: 180,
    }),
    event_type: |body| body.id("event"),
    delivery_id: Some(|body| body.id("id").ok()),
    decode,
    key,
    record,
    // Roles have no id in events, and a slug can be given again.
    reused: &[Kind::Role],
    api: Some(api::API),
    log: Some(api::LOG),
    id_prefix: "user_",
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("organization.created", Kind::Organization),
        ("organization.updated", Kind::Organization),
        ("organization.deleted", Kind::Organization),
        ("organization_membership.created", Kind::Membership),
        ("organization_membership.updated", Kind::Membership),
        ("organization_membership.deleted", Kind::Membership),
        ("role.created", Kind::Role),
        ("role.updated", Kind::Role),
        ("role.deleted", Kind::Role),
        ("organization_role.created", Kind::Role),
        ("organization_role.updated", Kind::Role),
        ("organization_role.deleted", Kind::Role),
    ],
    // Events about roles of the environment lack their names.
    rereads: &[("role.created", Kind::Role), ("role.updated", Kind::Role)],
    sample: sample::body,
    ..BASE
};

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let data = envelope.data()?;
    let is_deletion = envelope.event_type.ends_with(".deleted");
    let read = if is_deletion { deletion } else { snapshot };
    Ok(Meaning::Changes(vec![read(kind, envelope, &data)?]))
}

/// `data` is always the whole object: <https://workos.com/docs/events>
fn snapshot(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let record = record(kind, data, envelope.bytes)?;
    let at = record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
    Ok(PROVIDER.snapshot(envelope.version(at), record))
}

/// The whole object as it was; only the envelope has the time of the deletion.
fn deletion(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let at = envelope.body.date("created_at")?.unwrap_or(envelope.made_at);
    Ok(Change::Deleted { key: key(kind, data)?, at })
}

/// A role is known by its slug, in its organization if it belongs to one.
fn key(kind: Kind, data: &Object<'_>) -> Result<Key, Unreadable> {
    let id = match kind {
        Kind::Role if data.has("organization_id") => {
            composed(&[&data.id("organization_id")?, &data.id("slug")?])
        }
        Kind::Role => composed(&[&data.id("slug")?]),
        _ => data.id("id")?,
    };
    Ok(Key::new(kind, id))
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(data)?),
        Kind::Organization => Profile::Organization(Organization {
            name: data.filled("name")?,
            // WorkOS gives organizations none.
            slug: None,
        }),
        Kind::Membership => Profile::Membership(membership(data)?),
        Kind::Role => Profile::Role(Role {
            key: data.id("slug")?,
            name: data.filled("name")?,
            permissions: data.strings("permissions")?,
        }),
        Kind::Grant => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, data)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: data.date("created_at").unwrap_or_default(),
        updated_at: data.date("updated_at")?,
        disabled: kind == Kind::Membership && !is_active(data)?,
        raw: raw(data, bytes),
    })
}

fn user(data: &Object<'_>) -> Result<User, Unreadable> {
    let name = match data.filled("name")? {
        None => full_name(data, "first_name", "last_name")?,
        name => name,
    };
    Ok(User { name, email: data.filled("email")? })
}

/// <https://workos.com/docs/reference/authkit/organization-membership>
fn membership(data: &Object<'_>) -> Result<Membership, Unreadable> {
    let role = data.object("role")?.map(|role| role.filled("slug")).transpose()?.flatten();
    Ok(Membership {
        user_id: data.id("user_id")?,
        organization_id: data.id("organization_id")?,
        role,
        permissions: Vec::new(),
    })
}

/// An invited member is pending, and a deactivated one inactive: neither is in the organization.
fn is_active(data: &Object<'_>) -> Result<bool, Unreadable> {
    Ok(data.filled("status")?.is_none_or(|status| status == "active"))
}
