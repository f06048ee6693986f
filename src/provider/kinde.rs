//! Kinde: <https://docs.kinde.com/integrate/webhooks/about-webhooks/>
//!
//! Kinde's objects have no time of the change, so the time of the event is a snapshot's version.

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, UNSUPPORTED, full_name, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Organization, Profile, Record, Role, User};
use crate::signature::{Scheme, Signer, Token};

pub(super) static PROVIDER: Provider = Provider {
    name: "kinde",
    title: "Kinde",
    scheme: Scheme::Token(Token { field: None, signer: Signer::Published }),
    keys_path: "/.well-known/jwks.json",
    // Access tokens of the same tenant are signed with the same keys, and have neither.
    event_type: |body| body.id("event_id").and_then(|_| body.id("type")),
    delivery_id: Some(|body| body.id("event_id").ok()),
    object: |body| {
        let kind = PROVIDER.kind_of(&body.id("type")?);
        let data = body.object("data")?;
        data.zip(kind).map_or(Ok(None), |(data, kind)| data.object(kind.as_str()))
    },
    versioned: false,
    decode,
    key,
    record,
    api: Some(api::API),
    id_prefix: "kp_",
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("organization.created", Kind::Organization),
        ("organization.updated", Kind::Organization),
        ("organization.deleted", Kind::Organization),
        ("role.created", Kind::Role),
        ("role.updated", Kind::Role),
        ("role.deleted", Kind::Role),
    ],
    sample: sample::body,
    ..BASE
};

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let object = envelope.data()?.object(kind.as_str())?;
    let object = object.ok_or(Unreadable::Missing { field: kind.as_str() })?;
    let at = match envelope.body.date("event_timestamp")? {
        None => envelope.body.date("timestamp")?,
        at => at,
    };
    let at = at.unwrap_or(envelope.made_at);
    if envelope.event_type.ends_with(".deleted") {
        return Ok(Meaning::Changes(vec![Change::Deleted { key: key(kind, &object)?, at }]));
    }
    let record = Record { updated_at: Some(at), ..record(kind, &object, envelope.bytes)? };
    Ok(Meaning::Changes(vec![PROVIDER.snapshot(envelope.version(at), record)]))
}

fn key(kind: Kind, object: &Object<'_>) -> Result<Key, Unreadable> {
    let field = if kind == Kind::Organization { "code" } else { "id" };
    Ok(Key::new(kind, object.id(field)?))
}

fn record(kind: Kind, object: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(object)?),
        Kind::Organization => Profile::Organization(Organization {
            name: object.filled("name")?,
            slug: object.filled("handle")?,
        }),
        Kind::Role => Profile::Role(Role {
            key: object.id("key")?,
            name: object.filled("name")?,
            // Neither the events nor the list say which permissions a role has.
            permissions: Vec::new(),
        }),
        _ => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, object)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: object.date("created_on").unwrap_or_default(),
        updated_at: None,
        disabled: kind == Kind::User && object.flag("is_suspended")?,
        raw: raw(object, bytes),
    })
}

fn user(object: &Object<'_>) -> Result<User, Unreadable> {
    let name = match full_name(object, "first_name", "last_name")? {
        None => object.filled("username")?,
        name => name,
    };
    Ok(User { name, email: object.filled("email")? })
}
