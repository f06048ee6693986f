//! Webhooks of the new Neon Auth, a managed Better Auth: <https://neon.com/docs/auth/guides/webhooks>
//!
//! They announce new users only: no update, no deletion.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{BASE, Envelope, Meaning, Provider, Sample, UNSUPPORTED, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Key, Kind, Profile, Record, User};
use crate::signature::{Detached, Scheme};

pub(super) static PROVIDER: Provider = Provider {
    name: "neon",
    title: "Neon Auth",
    scheme: Scheme::Detached(Detached {
        signature: "x-neon-signature",
        key_id: "x-neon-signature-kid",
        timestamp: "x-neon-timestamp",
        id: "x-neon-event-id",
    }),
    keys_path: "/.well-known/jwks.json",
    event_type: |body| body.id("event_type"),
    // The header with the id is not signed.
    delivery_id: Some(|body| body.id("event_id").ok()),
    object: |body| body.object("user"),
    // Without the answer no user could sign up; it is given before any check, because it changes nothing.
    asks_permission: |headers| {
        let event = headers.get("x-neon-event-type").and_then(|event| event.to_str().ok());
        event.is_some_and(|event| event.trim() == "user.before_create")
    },
    versioned: false,
    decode,
    key,
    record,
    events: &[("user.created", Kind::User)],
    sample,
    ..BASE
};

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let user = envelope.part("user")?;
    let at = envelope.body.date("timestamp")?.unwrap_or(envelope.made_at);
    let record = Record { updated_at: Some(at), ..record(kind, &user, envelope.bytes)? };
    Ok(Meaning::Changes(vec![PROVIDER.snapshot(envelope.version(at), record)]))
}

/// The first version of these webhooks called it `user_id`.
fn key(kind: Kind, user: &Object<'_>) -> Result<Key, Unreadable> {
    let field = if user.has("id") || !user.has("user_id") { "id" } else { "user_id" };
    Ok(Key::new(kind, user.id(field)?))
}

fn record(kind: Kind, user: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    Ok(Record {
        key: key(kind, user)?,
        profile: Profile::User(User { name: user.filled("name")?, email: user.filled("email")? }),
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: user.date("created_at").unwrap_or_default(),
        updated_at: None,
        disabled: false,
        raw: raw(user, bytes),
    })
}

fn sample(sample: &Sample<'_>) -> Value {
    let now = sample.now.to_string();
    json!({
        "event_id": uuid::Uuid::new_v4().to_string(),
        "event_type": sample.event_type,
        "timestamp": now,
        "context": { "endpoint_id": "ep-users-sync-sample", "project_name": "sample" },
        "user": {
            "id": sample.id,
            "email": sample.email,
            "name": "Ada Lovelace",
            "image": null,
            "email_verified": false,
            "phone_number": null,
            "phone_number_verified": false,
            "created_at": now,
        },
        "event_data": { "auth_provider": "credential", "ip_address": "192.0.2.1", "user_agent": "users-sync" },
    })
}
