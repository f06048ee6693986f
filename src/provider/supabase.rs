//! Supabase's Auth hooks: <https://supabase.com/docs/guides/auth/auth-hooks>
//!
//! They announce new users alone. The hook before the creation belongs to a sign-up that waits for the answer: the user that it
//! names may never exist, so only the API shows it.

mod api;
mod sample;

use bytes::Bytes;

use super::{BASE, Envelope, Meaning, Provider, UNSUPPORTED, raw, set_time};
use crate::json::{Object, Unreadable};
use crate::model::{Kind, Profile, Record, User};

pub(super) static PROVIDER: Provider = Provider {
    name: "supabase",
    title: "Supabase",
    event_type: |body| metadata(body)?.id("name"),
    // The id in the header is another one at each attempt.
    delivery_id: Some(|body| metadata(body).ok()?.id("uuid").ok()),
    object: |body| body.object("user"),
    decode,
    record,
    api: Some(api::API),
    events: &[("after-user-created", Kind::User), ("before-user-created", Kind::User)],
    sample: sample::body,
    ..BASE
};

fn metadata<'a>(body: &Object<'a>) -> Result<Object<'a>, Unreadable> {
    body.object("metadata")?.ok_or(Unreadable::Missing { field: "metadata" })
}

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let Some(kind) = PROVIDER.kind_of(envelope.event_type) else { return Ok(UNSUPPORTED) };
    let user = envelope.part("user")?;
    let record = record(kind, &user, envelope.bytes)?;
    match record.updated_at {
        Some(at) if envelope.event_type == "after-user-created" => {
            Ok(Meaning::Changes(vec![PROVIDER.snapshot(envelope.version(at), record)]))
        }
        _ => Ok(Meaning::Names { keys: vec![record.key], changes: Vec::new() }),
    }
}

/// <https://github.com/supabase/auth/blob/master/internal/models/user.go>
fn record(kind: Kind, user: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
    if kind != Kind::User {
        return Err(Unreadable::Unexpected { field: "user", expected: "known" });
    }
    Ok(Record {
        key: (PROVIDER.key)(kind, user)?,
        profile: Profile::User(User { name: name(user)?, email: user.filled("email")? }),
        // The time is only displayed: if it cannot be read, the row is kept without it, and raw_json still has it.
        created_at: set_time(user, "created_at").unwrap_or_default(),
        updated_at: set_time(user, "updated_at")?,
        disabled: user.has("deleted_at") || is_banned(user)?,
        raw: raw(user, bytes),
    })
}

/// A user or the provider of an identity may write anything there.
fn name(user: &Object<'_>) -> Result<Option<String>, Unreadable> {
    let Some(metadata) = user.object("user_metadata")? else { return Ok(None) };
    let text = |field| metadata.filled(field).ok().flatten();
    Ok(text("full_name").or_else(|| text("name")))
}

/// A ban ends by itself. Compared with the snapshot's own time, because the same bytes must always mean the same.
fn is_banned(user: &Object<'_>) -> Result<bool, Unreadable> {
    let Some(until) = user.date("banned_until")? else { return Ok(false) };
    Ok(set_time(user, "updated_at")?.is_none_or(|at| at < until))
}
