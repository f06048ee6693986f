//! Clerk: <https://clerk.com/docs/webhooks/overview>

mod api;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Envelope, Meaning, Provider, Sample, TEST_DELIVERY, UNSUPPORTED, raw};
use crate::json::{Object, Unreadable};
use crate::model::{
    Change, Key, Kind, Membership, Organization, Profile, Record, Role, User, Version,
};
use crate::signature::Scheme;

pub(super) static PROVIDER: Provider = Provider {
    name: "clerk",
    title: "Clerk",
    scheme: Scheme::Svix,
    // <https://clerk.com/docs/reference/backend/verify-webhook>
    secret_aliases: &["CLERK_WEBHOOK_SIGNING_SECRET"],
    versioned: true,
    decode,
    key,
    record,
    reused: &[],
    api: api::API,
    belongs_to: |_| None,
    // <https://clerk.com/docs/guides/users/extending>: unsafe_metadata is the user's own to read and write.
    private: &["private_metadata"],
    id_prefix: "user_",
    events: &[
        ("user.created", Kind::User),
        ("user.updated", Kind::User),
        ("user.deleted", Kind::User),
        ("organization.created", Kind::Organization),
        ("organization.updated", Kind::Organization),
        ("organization.deleted", Kind::Organization),
        ("organizationMembership.created", Kind::Membership),
        ("organizationMembership.updated", Kind::Membership),
        ("organizationMembership.deleted", Kind::Membership),
        ("role.created", Kind::Role),
        ("role.updated", Kind::Role),
        ("role.deleted", Kind::Role),
    ],
    // Clerk does not say whether role.updated follows when a permission of the role changes.
    rereads: &[
        ("permission.created", Kind::Role),
        ("permission.updated", Kind::Role),
        ("permission.deleted", Kind::Role),
    ],
    sample,
};

/// The users of the examples in Clerk's event catalogue and guides, which the dashboard's test button sends, in any event.
const EXAMPLE_USERS: [&str; 3] = [
    "user_29w83sxmDNGwOuEthce5gg56FcC",
    "user_29wBMCtzATuFJut8jO2VNTVekS4",
    "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S",
];
/// The instances that they are of; no real one has such an id.
const EXAMPLE_INSTANCES: [&str; 2] = ["ins_2g7np7Hrk0SN6kj5EDMLDaKNL0S", "ins_123"];

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else {
        return Ok(match envelope.event_type.split_once('.') {
            Some(("permission", _)) => Meaning::Ignored("roles say which permissions they have"),
            _ => UNSUPPORTED,
        });
    };
    // Before the event is read: an example that cannot be read must not be quarantined.
    if is_any(envelope.body.id("instance_id"), &EXAMPLE_INSTANCES) {
        return Ok(TEST_DELIVERY);
    }
    let data = envelope.data()?;
    if is_any(data.id("id"), &EXAMPLE_USERS) {
        return Ok(TEST_DELIVERY);
    }
    let is_deletion = envelope.event_type.ends_with(".deleted");
    let read = if is_deletion { deletion } else { snapshot };
    Ok(Meaning::Changes(vec![read(kind, envelope, &data)?]))
}

fn is_any(id: Result<String, Unreadable>, known: &[&str]) -> bool {
    id.is_ok_and(|id| known.contains(&&*id))
}

/// `data` is always the whole object: <https://clerk.com/docs/reference/backend/types/backend-user>
fn snapshot(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let record = record(kind, data, envelope.bytes)?;
    let at = record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
    let version = Version { at, delivery: envelope.delivery.clone() };
    Ok(PROVIDER.snapshot(version, record))
}

/// Only the envelope says when: in seconds or in milliseconds, or not at all. What `data` says of times is older.
fn deletion(kind: Kind, envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let at = envelope.body.time("timestamp")?.unwrap_or(envelope.made_at);
    Ok(Change::Deleted { key: key(kind, data)?, at })
}

fn key(kind: Kind, data: &Object<'_>) -> Result<Key, Unreadable> {
    Ok(Key::new(kind, data.id("id")?))
}

fn record(kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    let profile = match kind {
        Kind::User => Profile::User(user(data)?),
        Kind::Organization => Profile::Organization(organization(data)?),
        Kind::Membership => Profile::Membership(membership(data)?),
        Kind::Role => Profile::Role(role(data)?),
        Kind::Grant => return Err(Unreadable::Unexpected { field: "data", expected: "known" }),
    };
    Ok(Record {
        key: key(kind, data)?,
        profile,
        // Only shown: a strange one must not cost the row, and raw_json keeps it.
        created_at: data.time("created_at").unwrap_or_default(),
        updated_at: data.time("updated_at")?,
        disabled: kind == Kind::User && (data.flag("banned")? || data.flag("deprovisioned")?),
        raw: raw(data, bytes),
    })
}

fn user(data: &Object<'_>) -> Result<User, Unreadable> {
    Ok(User { name: name(data)?, email: primary_email(data)? })
}

/// <https://clerk.com/docs/reference/backend/types/backend-organization>
fn organization(data: &Object<'_>) -> Result<Organization, Unreadable> {
    Ok(Organization { name: data.filled("name")?, slug: data.filled("slug")? })
}

/// <https://clerk.com/docs/reference/backend/types/backend-organization-membership>
fn membership(data: &Object<'_>) -> Result<Membership, Unreadable> {
    let part = |field| data.object(field)?.ok_or(Unreadable::Missing { field });
    Ok(Membership {
        user_id: part("public_user_data")?.id("user_id")?,
        organization_id: part("organization")?.id("id")?,
        role: data.filled("role")?,
        permissions: data.strings("permissions")?,
    })
}

fn role(data: &Object<'_>) -> Result<Role, Unreadable> {
    let permissions = data.objects("permissions")?;
    Ok(Role {
        key: data.id("key")?,
        name: data.filled("name")?,
        permissions: permissions.iter().map(|one| one.id("key")).collect::<Result<_, _>>()?,
    })
}

fn name(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let full = match (data.filled("first_name")?, data.filled("last_name")?) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    };
    match full {
        None => data.filled("username"),
        name => Ok(name),
    }
}

/// The address that the user chose as primary. Any other may be unverified or belong to someone else.
fn primary_email(data: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let Some(primary) = data.filled("primary_email_address_id")? else { return Ok(None) };
    for address in data.objects("email_addresses")? {
        if address.filled("id")?.as_ref() == Some(&primary) {
            return address.filled("email_address");
        }
    }
    Ok(None)
}

fn sample(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    let data = if sample.event_type == "user.deleted" {
        json!({ "object": "user", "id": sample.id, "deleted": true })
    } else {
        sample_user(sample)
    };
    json!({
        "data": data,
        "object": "event",
        "type": sample.event_type,
        "timestamp": now,
        "instance_id": "ins_users_sync_sample",
        "event_attributes": { "http_request": { "client_ip": "192.0.2.1", "user_agent": "users-sync" } },
    })
}

fn sample_user(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    let address = format!("idn_{}", sample.id);
    json!({
        "object": "user",
        "id": sample.id,
        "username": null,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "image_url": "https://img.example.com/ada.png",
        "has_image": true,
        "primary_email_address_id": address,
        "primary_phone_number_id": null,
        "email_addresses": [{
            "id": address,
            "object": "email_address",
            "email_address": sample.email,
            "verification": { "status": "verified", "strategy": "email_code" },
            "linked_to": [],
        }],
        "phone_numbers": [],
        "external_accounts": [],
        "public_metadata": {},
        "private_metadata": {},
        "unsafe_metadata": {},
        "external_id": null,
        "banned": false,
        "locked": false,
        "last_sign_in_at": now,
        "created_at": now,
        "updated_at": now,
    })
}
