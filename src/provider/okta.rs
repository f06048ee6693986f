//! Okta's event hooks: <https://developer.okta.com/docs/concepts/event-hooks/>
//!
//! A delivery holds several events, which name what changed and do not show it: users and groups are read from the API.

mod api;
mod sample;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    BASE, Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, composed, full_name, raw,
};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Key, Kind, Membership, Organization, Profile, Record, User};
use crate::signature::{Authorization, Scheme, Shared};

pub(super) static PROVIDER: Provider = Provider {
    name: "okta",
    title: "Okta",
    scheme: Scheme::Shared(Shared { header: "authorization", form: Authorization::Plain }),
    event_type,
    delivery_id: Some(|body| body.id("eventId").ok()),
    object: |body| Ok(events(body)?.into_iter().next()),
    challenge,
    decode,
    key,
    record,
    // Their ids are composed of their parts, and the same parts can meet again.
    reused: &[Kind::Membership],
    api: Some(api::API),
    // The recovery question, and which directory a password is of.
    private: &["credentials"],
    events: &[
        ("user.lifecycle.create", Kind::User),
        ("user.lifecycle.activate", Kind::User),
        ("user.lifecycle.reactivate", Kind::User),
        ("user.lifecycle.suspend", Kind::User),
        ("user.lifecycle.unsuspend", Kind::User),
        ("user.lifecycle.deactivate", Kind::User),
        (DELETED_USER, Kind::User),
        ("user.account.update_profile", Kind::User),
        ("group.lifecycle.create", Kind::Organization),
        ("group.profile.update", Kind::Organization),
        (DELETED_GROUP, Kind::Organization),
        ("group.user_membership.add", Kind::Membership),
        (DELETED_MEMBERSHIP, Kind::Membership),
    ],
    sample: sample::body,
    ..BASE
};

/// The only event of a deletion that a hook can have: it comes with the request that erases the user.
const DELETED_USER: &str = "user.lifecycle.delete.initiated";
const DELETED_GROUP: &str = "group.lifecycle.delete";
const DELETED_MEMBERSHIP: &str = "group.user_membership.remove";
const DELETIONS: [&str; 3] = [DELETED_USER, DELETED_GROUP, DELETED_MEMBERSHIP];

/// <https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request>
fn challenge(headers: &HeaderMap) -> Option<Value> {
    let challenge = headers.get("x-okta-verification-challenge")?.to_str().ok()?;
    Some(json!({ "verification": challenge }))
}

fn events<'a>(body: &Object<'a>) -> Result<Vec<Object<'a>>, Unreadable> {
    body.object("data")?.ok_or(Unreadable::Missing { field: "data" })?.objects("events")
}

/// The type of the first event; the type of an envelope without events is always the same.
fn event_type(body: &Object<'_>) -> Result<String, Unreadable> {
    match events(body)?.first() {
        Some(event) => event.id("eventType"),
        None => body.id("eventType"),
    }
}

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let (mut keys, mut changes, mut ignored) = (Vec::new(), Vec::new(), UNSUPPORTED);
    for event in events(&envelope.body)? {
        match one(&event, envelope)? {
            Meaning::Names { keys: named, .. } => keys.extend(named),
            Meaning::Changes(made) => changes.extend(made),
            other => ignored = other,
        }
    }
    // The API may show for a moment what was just deleted.
    keys.retain(|key| !changes.iter().any(|change: &Change| change.key() == key));
    keys.sort();
    keys.dedup();
    Ok(match (keys.is_empty(), changes.is_empty()) {
        (true, true) => ignored,
        (true, false) => Meaning::Changes(changes),
        (false, _) => Meaning::Names { keys, changes },
    })
}

fn one(event: &Object<'_>, envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let event_type = event.id("eventType")?;
    let Some(kind) = PROVIDER.kind_of(&event_type) else { return Ok(UNSUPPORTED) };
    // The preview's sample has none.
    if event.objects("target")?.is_empty() {
        return Ok(TEST_DELIVERY);
    }
    if has_failed(event)? {
        return Ok(Meaning::Ignored("the event says that nothing was changed"));
    }
    let is_deletion = DELETIONS.contains(&&*event_type);
    if kind != Kind::Membership && !is_deletion {
        return Ok(Meaning::Names { keys: vec![key(kind, event)?], changes: Vec::new() });
    }
    let at = published(event)?;
    Ok(Meaning::Changes(vec![if is_deletion {
        Change::Deleted { key: key(kind, event)?, at }
    } else {
        PROVIDER.snapshot(envelope.version(at), record(kind, event, envelope.bytes)?)
    }]))
}

fn has_failed(event: &Object<'_>) -> Result<bool, Unreadable> {
    let Some(outcome) = event.object("outcome")? else { return Ok(false) };
    let result = outcome.filled("result")?;
    Ok(result.is_some_and(|result| !result.eq_ignore_ascii_case("success")))
}

/// When the event happened; the time of the delivery is later.
fn published(event: &Object<'_>) -> Result<Timestamp, Unreadable> {
    event.date("published")?.ok_or(Unreadable::Missing { field: "published" })
}

/// Of an event, the key of what it is about: memberships have no id of their own. Of an object of the API, its id.
fn key(kind: Kind, object: &Object<'_>) -> Result<Key, Unreadable> {
    let id = match kind {
        Kind::Membership => composed(&[&target(object, GROUP)?, &target(object, USER)?]),
        Kind::User if object.has("target") => target(object, USER)?,
        Kind::Organization if object.has("target") => target(object, GROUP)?,
        _ => object.id("id")?,
    };
    Ok(Key::new(kind, id))
}

const USER: &str = "User";
const GROUP: &str = "UserGroup";

/// The id of the only target of this type; the order of the targets means nothing.
fn target(event: &Object<'_>, of_type: &str) -> Result<String, Unreadable> {
    let mut targets = event.objects("target")?.into_iter();
    let is_meant =
        |target: &Object<'_>| target.filled("type").is_ok_and(|is| is.as_deref() == Some(of_type));
    match (targets.find(is_meant), targets.find(is_meant)) {
        (Some(target), None) => target.id("id"),
        _ => Err(Unreadable::Unexpected {
            field: "target",
            expected: "one of each type that the event is about",
        }),
    }
}

/// Users and groups as the API shows them; a membership as its event shows it.
fn record(kind: Kind, object: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let (profile, updated_at) = match kind {
        Kind::User => (Profile::User(user(object)?), object.date("lastUpdated")?),
        Kind::Organization => (Profile::Organization(group(object)?), object.date("lastUpdated")?),
        Kind::Membership => (Profile::Membership(membership(object)?), Some(published(object)?)),
        _ => return Err(Unreadable::Unexpected { field: "the object", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, object)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: object.date("created").unwrap_or_default(),
        updated_at,
        disabled: kind == Kind::User && is_disabled(object)?,
        raw: raw(object, bytes),
    })
}

/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/>
fn user(object: &Object<'_>) -> Result<User, Unreadable> {
    let Some(profile) = object.object("profile")? else {
        return Err(Unreadable::Missing { field: "profile" });
    };
    let name = match profile.filled("displayName")? {
        None => full_name(&profile, "firstName", "lastName")?,
        name => name,
    };
    Ok(User { name, email: profile.filled("email")? })
}

fn is_disabled(object: &Object<'_>) -> Result<bool, Unreadable> {
    let status = object.filled("status")?;
    Ok(status.is_some_and(|status| ["SUSPENDED", "DEPROVISIONED"].contains(&&*status)))
}

/// <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Group/>
fn group(object: &Object<'_>) -> Result<Organization, Unreadable> {
    let profile = object.object("profile")?;
    let name = profile.map(|profile| profile.filled("name")).transpose()?.flatten();
    Ok(Organization { name, slug: None })
}

fn membership(event: &Object<'_>) -> Result<Membership, Unreadable> {
    Ok(Membership {
        user_id: target(event, USER)?,
        organization_id: target(event, GROUP)?,
        role: None,
        permissions: Vec::new(),
    })
}
