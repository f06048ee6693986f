//! Stack Auth: <https://docs.stack-auth.com/docs/apps/webhooks>
//!
//! Stack's payloads have no time of the change, so a snapshot's version is the time inside the delivery's id.

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, TEST_DELIVERY, UNSUPPORTED, composed, parts, raw};
use crate::json::{Object, Unreadable};
use crate::model::{
    Change, Grant, Key, Kind, Membership, Organization, Profile, Record, Role, User, Version,
};

pub(super) static PROVIDER: Provider = Provider {
    name: "stack",
    title: "Stack Auth",
    anonymous: Some(|user| user.flag("is_anonymous")),
    versioned: false,
    decode,
    key,
    record,
    // Their ids are composed of their parts, and the same parts can meet again.
    reused: &[Kind::Membership, Kind::Grant],
    api: Some(api::API),
    belongs_to: team_of,
    // <https://docs.stack-auth.com/docs/concepts/custom-user-data>: the client can read the two other kinds of
    // metadata.
    private: &[
        "server_metadata",
        "restricted_by_admin_reason",
        "restricted_by_admin_private_details",
    ],
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("team.created", Kind::Organization),
        ("team.updated", Kind::Organization),
        ("team.deleted", Kind::Organization),
        ("team_membership.created", Kind::Membership),
        ("team_membership.deleted", Kind::Membership),
        ("team_permission.created", Kind::Grant),
        ("team_permission.deleted", Kind::Grant),
        ("project_permission.created", Kind::Grant),
        ("project_permission.deleted", Kind::Grant),
    ],
    sample: sample::body,
    ..BASE
};

/// The entities of the examples in Stack's reference and its guide to webhooks:
/// <https://github.com/stack-auth/stack-auth/blob/dev/packages/stack-shared/src/schema-fields.ts>,
/// <https://docs.stack-auth.com/docs/apps/webhooks>
const EXAMPLES: [&str; 3] = [
    // The user and the team of every example.
    "3241a285-8329-4d69-8f3d-316e08cf140c",
    "ad962777-8244-496a-b6a2-e0c6a449c79e",
    // The team of the guide.
    "2209422a-eef7-4668-967d-be79409972c5",
];

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    if envelope.event_type == "stack.test" {
        return Ok(TEST_DELIVERY);
    }
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    // Checked before the event is read: an example that cannot be read must not be quarantined.
    let data = envelope.data()?;
    let is_example = |field| data.id(field).is_ok_and(|id| EXAMPLES.contains(&&*id));
    if ["id", "user_id", "team_id"].into_iter().any(is_example) {
        return Ok(TEST_DELIVERY);
    }
    if envelope.event_type.starts_with("team_permission.") {
        // Without its team it would hold for the whole project.
        data.id("team_id")?;
    }
    Ok(Meaning::Changes(match (kind, envelope.event_type.ends_with(".deleted")) {
        (Kind::User, true) => user_deletion(envelope, &data)?,
        (_, true) => vec![deletion(key(kind, &data)?, envelope)],
        (_, false) => vec![snapshot(kind, envelope, &data)?],
    }))
}

/// `data` is the whole object as the server API shows it, also for anonymous users.
fn snapshot(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let mut record = record(kind, data, envelope.bytes)?;
    record.updated_at = Some(envelope.made_at);
    let version = Version { at: envelope.made_at, delivery: envelope.delivery.clone() };
    Ok(PROVIDER.snapshot(version, record))
}

fn deletion(key: Key, envelope: &Envelope<'_>) -> Change {
    Change::Deleted { key, at: envelope.made_at }
}

/// The event names the user's teams; deliveries about those memberships may never arrive.
fn user_deletion(envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Vec<Change>, Unreadable> {
    let user = key(Kind::User, data)?;
    let teams = data.objects("teams")?;
    let membership = |team: &Object<'_>| {
        let id = composed(&[&team.id("id")?, &user.id]);
        Ok(deletion(Key::new(Kind::Membership, id), envelope))
    };
    let memberships: Vec<_> = teams.iter().map(membership).collect::<Result<_, Unreadable>>()?;
    Ok(std::iter::once(deletion(user, envelope)).chain(memberships).collect())
}

/// Memberships and permissions have no id of their own.
fn key(kind: Kind, data: &Object<'_>) -> Result<Key, Unreadable> {
    let id = match kind {
        Kind::Membership => composed(&[&data.id("team_id")?, &data.id("user_id")?]),
        Kind::Grant => match team(data)? {
            Some(team) => composed(&[&team, &data.id("user_id")?, &data.id("id")?]),
            None => composed(&[&data.id("user_id")?, &data.id("id")?]),
        },
        _ => data.id("id")?,
    };
    Ok(Key::new(kind, id))
}

/// The team that an entity belongs to, by its id.
fn team_of(key: &Key) -> Option<String> {
    let parts = parts(&key.id);
    match (key.kind, &parts[..]) {
        (Kind::Organization, _) => Some(key.id.clone()),
        (Kind::Membership, [team, _]) | (Kind::Grant, [team, _, _]) => Some(team.clone()),
        _ => None,
    }
}

/// The team of a permission; a permission of the whole project has none.
fn team(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    data.has("team_id").then(|| data.id("team_id")).transpose()
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(User {
            name: data.filled("display_name")?,
            email: data.filled("primary_email")?,
        }),
        Kind::Organization => {
            Profile::Organization(Organization { name: data.filled("display_name")?, slug: None })
        }
        Kind::Membership => Profile::Membership(Membership {
            user_id: data.id("user_id")?,
            organization_id: data.id("team_id")?,
            role: None,
            permissions: Vec::new(),
        }),
        Kind::Grant => Profile::Grant(Grant {
            user_id: data.id("user_id")?,
            organization_id: team(data)?,
            permission: data.id("id")?,
        }),
        // No delivery is about one: only the API lists them, as definitions of permissions.
        Kind::Role => Profile::Role(Role {
            key: data.id("id")?,
            name: data.filled("description")?,
            permissions: data.strings("contained_permission_ids")?,
        }),
    };
    let created = if kind == Kind::User { "signed_up_at_millis" } else { "created_at_millis" };
    Ok(Record {
        key: key(kind, data)?,
        profile,
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: data.time(created).unwrap_or_default(),
        updated_at: None,
        disabled: kind == Kind::User && restricted_by_administrator(data)?,
        raw: raw(data, bytes),
    })
}

/// Other restrictions (anonymous, e-mail not verified) are stages of signing up.
fn restricted_by_administrator(data: &Object<'_>) -> Result<bool, Unreadable> {
    if data.flag("restricted_by_admin")? {
        return Ok(true);
    }
    let Some(reason) = data.object("restricted_reason")? else { return Ok(false) };
    Ok(reason.filled("type")?.as_deref() == Some("restricted_by_administrator"))
}
