//! Logto: <https://docs.logto.io/developers/webhooks/webhooks-events>
//!
//! Organizations and memberships have no time of the change, so a snapshot's version is the time of the event.

mod api;
mod sample;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;

use super::{
    BASE, Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, composed, full_name, raw,
};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Membership, Organization, Profile, Record, Role, User};
use crate::signature::{Digest, Encoding, Scheme};

pub(super) static PROVIDER: Provider = Provider {
    name: "logto",
    title: "Logto",
    scheme: Scheme::Digest(Digest {
        header: "logto-signature-sha-256",
        encoding: Encoding::Hex,
        prefix: "",
    }),
    event_type: |body| body.id("event"),
    object,
    versioned: false,
    decode,
    key,
    record,
    // Their ids are composed of their parts, and the same parts can meet again.
    reused: &[Kind::Membership],
    api: Some(api::API),
    events: &[
        ("User.Created", Kind::User),
        ("User.Data.Updated", Kind::User),
        ("User.SuspensionStatus.Updated", Kind::User),
        ("User.Deleted", Kind::User),
        ("Organization.Created", Kind::Organization),
        ("Organization.Data.Updated", Kind::Organization),
        ("Organization.Deleted", Kind::Organization),
        (MEMBERS, Kind::Membership),
        ("OrganizationRole.Created", Kind::Role),
        ("OrganizationRole.Data.Updated", Kind::Role),
        ("OrganizationRole.Deleted", Kind::Role),
    ],
    rereads: &[("OrganizationRole.Scopes.Updated", Kind::Role)],
    sample: sample::body,
    ..BASE
};

const MEMBERS: &str = "Organization.Membership.Updated";

/// The path in the test deliveries of the console, which no request can have.
const TEST_PATH: &str = "/fake-path/:id";

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let body = &envelope.body;
    if body.filled("path").is_ok_and(|path| path.as_deref() == Some(TEST_PATH)) {
        return Ok(TEST_DELIVERY);
    }
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else {
        return Ok(match envelope.event_type {
            "OrganizationRole.Scopes.Updated" => {
                Meaning::Ignored("roles say which permissions they have")
            }
            _ => UNSUPPORTED,
        });
    };
    let at = body.date("createdAt")?.ok_or(Unreadable::Missing { field: "createdAt" })?;
    if kind == Kind::Membership {
        return members(envelope, at);
    }
    let subject = object(body)?.ok_or(Unreadable::Missing { field: "data" })?;
    let key = key(kind, &subject)?;
    if envelope.event_type.ends_with(".Deleted") {
        return Ok(Meaning::Changes(vec![Change::Deleted { key, at }]));
    }
    // The permissions of a role are only in the API's list; parameters have no time.
    if kind == Kind::Role || !subject.has("createdAt") {
        return Ok(Meaning::Names { keys: vec![key], changes: Vec::new() });
    }
    Ok(Meaning::Changes(vec![snapshot(kind, envelope, &subject, at)?]))
}

fn snapshot(
    kind: Kind,
    envelope: &Envelope<'_>,
    data: &Object<'_>,
    at: Timestamp,
) -> Result<Change, Unreadable> {
    let mut record = record(kind, data, envelope.bytes)?;
    // Only users have a time of their own, which orders them better than the time of the event.
    let at = if kind == Kind::User { data.date("updatedAt")?.unwrap_or(at) } else { at };
    record.updated_at = Some(at);
    Ok(PROVIDER.snapshot(envelope.version(at), record))
}

/// The requests after which an event shows this part of a user in place of the user.
const PARTS: [&str; 2] = ["/custom-data", "/profile"];

/// The entity of an event, or the parameters of the request that name it: a deletion may show nothing, and the part of a user may
/// have an `id` that means anything.
fn object<'a>(body: &Object<'a>) -> Result<Option<Object<'a>>, Unreadable> {
    let route = body.filled("matchedRoute")?.unwrap_or_default();
    let is_part = PARTS.iter().any(|part| route.ends_with(part));
    let shown = match body.object("data").ok().flatten() {
        None => body.object("user")?,
        data => data.filter(|data| !is_part && data.has("id")),
    };
    let parameters = body.object("params")?.filter(|named| named.has("userId") || named.has("id"));
    Ok(match (shown, parameters) {
        (Some(shown), Some(named)) if id(&shown) != id(&named) => Some(named),
        (shown, named) => shown.or(named),
    })
}

/// The id of an object, or of the user or other entity that the parameters of a request name.
fn id(object: &Object<'_>) -> Result<String, Unreadable> {
    if object.has("userId") { object.id("userId") } else { object.id("id") }
}

/// Members who joined and left. Some events say neither.
fn members(envelope: &Envelope<'_>, at: Timestamp) -> Result<Meaning, Unreadable> {
    let organization = envelope.body.id("organizationId")?;
    let mut changes = Vec::new();
    for user in envelope.body.strings("removedUserIds")? {
        let key = Key::new(Kind::Membership, composed(&[&organization, &user]));
        changes.push(Change::Deleted { key, at });
    }
    for user in envelope.body.strings("addedUserIds")? {
        let member = json!({ "organizationId": organization, "userId": user }).to_string();
        let bytes = Bytes::from(member);
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let mut record = record(Kind::Membership, &Object::parse(text, "addedUserIds")?, &bytes)?;
        record.updated_at = Some(at);
        changes.push(PROVIDER.snapshot(envelope.version(at), record));
    }
    if changes.is_empty() {
        return Ok(Meaning::Ignored("it does not say who joined or left"));
    }
    Ok(Meaning::Changes(changes))
}

/// Memberships have no id of their own.
fn key(kind: Kind, object: &Object<'_>) -> Result<Key, Unreadable> {
    let id = match kind {
        Kind::Membership => composed(&[&object.id("organizationId")?, &object.id("userId")?]),
        _ => id(object)?,
    };
    Ok(Key::new(kind, id))
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => {
            Profile::User(User { name: name(data)?, email: data.filled("primaryEmail")? })
        }
        Kind::Organization => {
            Profile::Organization(Organization { name: data.filled("name")?, slug: None })
        }
        // The roles of a member change without an event.
        Kind::Membership => Profile::Membership(Membership {
            user_id: data.id("userId")?,
            organization_id: data.id("organizationId")?,
            role: None,
            permissions: Vec::new(),
        }),
        Kind::Role => Profile::Role(role(data)?),
        _ => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, data)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: data.date("createdAt").unwrap_or_default(),
        updated_at: None,
        disabled: kind == Kind::User && data.flag("isSuspended")?,
        raw: raw(data, bytes),
    })
}

fn name(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    if let Some(name) = data.filled("name")? {
        return Ok(Some(name));
    }
    let profile = data.object("profile")?;
    let full = profile.map(|profile| full_name(&profile, "givenName", "familyName"));
    match full.transpose()?.flatten() {
        None => data.filled("username"),
        name => Ok(name),
    }
}

/// A role of organizations: <https://openapi.logto.io/operation/operation-listorganizationroles>
fn role(data: &Object<'_>) -> Result<Role, Unreadable> {
    let scopes = data.objects("scopes")?;
    Ok(Role {
        key: data.id("name")?,
        name: data.filled("name")?,
        permissions: scopes.iter().map(|scope| scope.id("name")).collect::<Result<_, _>>()?,
    })
}
