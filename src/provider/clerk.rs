//! Clerk: <https://clerk.com/docs/webhooks/overview>

use serde_json::{Value, json};

use super::{Envelope, Meaning, Provider, Sample, TEST_DELIVERY, UNSUPPORTED};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Kind, User, Version};
use crate::signature::Scheme;

pub(super) static PROVIDER: Provider = Provider {
    name: "clerk",
    title: "Clerk",
    scheme: Scheme::Svix,
    versioned: true,
    decode,
    id_prefix: "user_",
    events: &["user.created", "user.updated", "user.deleted"],
    sample,
};

/// The user of every example in Clerk's event catalogue, which the dashboard's test button sends.
const CATALOGUE_USER: &str = "user_2g7np7Hrk0SN6kj5EDMLDaKNL0S";

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let change = match envelope.event_type {
        "user.created" | "user.updated" => snapshot(envelope)?,
        "user.deleted" => deletion(envelope)?,
        _ => return Ok(UNSUPPORTED),
    };
    if change.entity_id() == CATALOGUE_USER {
        return Ok(TEST_DELIVERY);
    }
    Ok(Meaning::Change(change))
}

/// <https://clerk.com/docs/reference/backend/types/backend-user>: `data` is always the whole user.
fn snapshot(envelope: &Envelope<'_>) -> Result<Change, Unreadable> {
    let data = envelope.data()?;
    let user = user(envelope, &data)?;
    let at = user.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
    Ok(Change::Snapshot { version: Version { at, delivery: envelope.delivery.clone() }, user })
}

fn user(envelope: &Envelope<'_>, data: &Object<'_>) -> Result<User, Unreadable> {
    Ok(User {
        id: data.id("id")?,
        name: name(data)?,
        email: primary_email(data)?,
        // Only shown: a strange one must not cost the user, and raw_json keeps it.
        created_at: data.time("created_at").unwrap_or_default(),
        updated_at: data.time("updated_at")?,
        disabled: data.flag("banned")? || data.flag("deprovisioned")?,
        raw: envelope.raw(data),
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

/// `data` says which user, only the envelope says when: in seconds or in milliseconds, or not at all.
fn deletion(envelope: &Envelope<'_>) -> Result<Change, Unreadable> {
    let at = envelope.body.time("timestamp")?.unwrap_or(envelope.made_at);
    Ok(Change::Deleted { kind: Kind::User, id: envelope.data()?.id("id")?, at })
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
