//! Auth0's event streams: <https://auth0.com/docs/customize/events>

mod api;
mod sample;

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    BASE, Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, composed, full_name, raw,
};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Membership, Organization, Profile, Record, User};
use crate::signature::{Authorization, Scheme, Shared};

pub(super) static PROVIDER: Provider = Provider {
    name: "auth0",
    title: "Auth0",
    // <https://auth0.com/docs/customize/events/create-an-event-stream>
    scheme: Scheme::Shared(Shared { header: "authorization", form: Authorization::Bearer }),
    event_type: |body| Ok(bare(&body.id("type")?).to_owned()),
    delivery_id: Some(|body| body.id("id").ok()),
    object: |body| body.object("data")?.map_or(Ok(None), |data| data.object("object")),
    decode,
    key,
    record,
    // A membership's id is composed of its parts, and the same parts can meet again.
    reused: &[Kind::Membership],
    api: Some(api::API),
    private: &["app_metadata", "last_ip"],
    id_prefix: "auth0|",
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("organization.created", Kind::Organization),
        ("organization.updated", Kind::Organization),
        ("organization.deleted", Kind::Organization),
        ("organization.member.added", Kind::Membership),
        ("organization.member.deleted", Kind::Membership),
    ],
    sample: sample::body,
    ..BASE
};

/// Older streams write their types in full: `com.auth0.user.created`.
fn bare(event_type: &str) -> &str {
    event_type.strip_prefix("com.auth0.").unwrap_or(event_type)
}

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    // Checked before the event is read: a test that cannot be read must not be quarantined.
    if envelope.body.id("a0purpose").is_ok_and(|purpose| purpose == "test") {
        return Ok(TEST_DELIVERY);
    }
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let object = envelope.part("data")?.object("object")?;
    let object = object.ok_or(Unreadable::Missing { field: "object" })?;
    let at = envelope.body.date("time")?.unwrap_or(envelope.made_at);
    if envelope.event_type.ends_with(".deleted") {
        return Ok(Meaning::Changes(vec![Change::Deleted { key: key(kind, &object)?, at }]));
    }
    if kind == Kind::User && is_partial(&object) {
        let keys = vec![key(kind, &object)?];
        return Ok(Meaning::Names { keys, changes: Vec::new() });
    }
    Ok(Meaning::Changes(vec![snapshot(kind, envelope, &object, at)?]))
}

/// An update may leave out fields that did not change; what is missing must not become empty:
/// <https://auth0.com/docs/customize/events/correlate-identity-changes>
fn is_partial(user: &Object<'_>) -> bool {
    !user.knows("email") && !user.knows("phone_number") || !user.knows("name")
}

/// A user has a version of its own; the other objects have none, so the time of the event orders them.
fn snapshot(
    kind: Kind,
    envelope: &Envelope<'_>,
    object: &Object<'_>,
    at: Timestamp,
) -> Result<Change, Unreadable> {
    let mut record = record(kind, object, envelope.bytes)?;
    let at = match kind {
        Kind::User => record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?,
        _ => at,
    };
    record.updated_at = Some(at);
    Ok(PROVIDER.snapshot(envelope.version(at), record))
}

fn key(kind: Kind, object: &Object<'_>) -> Result<Key, Unreadable> {
    let id = match kind {
        Kind::User => object.id("user_id")?,
        Kind::Membership => {
            let (organization, user) = ties(object)?;
            composed(&[&organization, &user])
        }
        _ => object.id("id")?,
    };
    Ok(Key::new(kind, id))
}

/// The organization and the user of a membership.
fn ties(object: &Object<'_>) -> Result<(String, String), Unreadable> {
    let part = |field| object.object(field)?.ok_or(Unreadable::Missing { field });
    Ok((part("organization")?.id("id")?, part("user")?.id("user_id")?))
}

fn record(kind: Kind, object: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(object)?),
        Kind::Organization => Profile::Organization(organization(object)?),
        Kind::Membership => {
            let (organization_id, user_id) = ties(object)?;
            // Roles of members come in events of their own, one by one, without the whole.
            let (role, permissions) = (None, Vec::new());
            Profile::Membership(Membership { user_id, organization_id, role, permissions })
        }
        _ => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, object)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: object.date("created_at").unwrap_or_default(),
        updated_at: object.date("updated_at")?,
        disabled: kind == Kind::User && object.flag("blocked")?,
        raw: raw(object, bytes),
    })
}

/// Auth0 fills the name with the e-mail address if the user gave none.
fn user(object: &Object<'_>) -> Result<User, Unreadable> {
    let email = object.filled("email")?;
    let name = object.filled("name")?.filter(|name| Some(name) != email.as_ref());
    let name = match name {
        None => full_name(object, "given_name", "family_name")?,
        name => name,
    };
    Ok(User { name, email })
}

/// `name` is the short name in addresses, `display_name` the one for people.
fn organization(object: &Object<'_>) -> Result<Organization, Unreadable> {
    let slug = object.filled("name")?;
    Ok(Organization { name: object.filled("display_name")?.or_else(|| slug.clone()), slug })
}
