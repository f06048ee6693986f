//! Stack Auth: <https://docs.stack-auth.com/docs/apps/webhooks>
//!
//! No payload of Stack's says when it was made, so a snapshot's version is the time inside the delivery's id.

use serde_json::{Value, json};

use super::{Envelope, Meaning, Provider, Sample, TEST_DELIVERY, UNSUPPORTED};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Kind, User, Version};
use crate::signature::Scheme;

pub(super) static PROVIDER: Provider = Provider {
    name: "stack",
    title: "Stack Auth",
    scheme: Scheme::Svix,
    versioned: false,
    decode,
    id_prefix: "",
    events: &["user.created", "user.updated", "user.deleted"],
    sample,
};

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let change = match envelope.event_type {
        "user.created" | "user.updated" => snapshot(envelope)?,
        "user.deleted" => deletion(envelope)?,
        "stack.test" => return Ok(TEST_DELIVERY),
        _ => return Ok(UNSUPPORTED),
    };
    Ok(Meaning::Change(change))
}

/// `data` is the whole user as the server API shows it, anonymous users too.
fn snapshot(envelope: &Envelope<'_>) -> Result<Change, Unreadable> {
    let data = envelope.data()?;
    let version = Version { at: envelope.made_at, delivery: envelope.delivery.clone() };
    let user = User {
        id: data.id("id")?,
        name: data.filled("display_name")?,
        email: data.filled("primary_email")?,
        // Only shown: a strange one must not cost the user, and raw_json keeps it.
        created_at: data.time("signed_up_at_millis").unwrap_or_default(),
        updated_at: Some(envelope.made_at),
        disabled: restricted_by_administrator(&data)?,
        raw: envelope.raw(&data),
    };
    Ok(Change::Snapshot { version, user })
}

/// Other restrictions (anonymous, e-mail not verified) are stages of signing up.
fn restricted_by_administrator(data: &Object<'_>) -> Result<bool, Unreadable> {
    if data.flag("restricted_by_admin")? {
        return Ok(true);
    }
    let Some(reason) = data.object("restricted_reason")? else { return Ok(false) };
    Ok(reason.filled("type")?.as_deref() == Some("restricted_by_administrator"))
}

fn deletion(envelope: &Envelope<'_>) -> Result<Change, Unreadable> {
    let id = envelope.data()?.id("id")?;
    Ok(Change::Deleted { kind: Kind::User, id, at: envelope.made_at })
}

fn sample(sample: &Sample<'_>) -> Value {
    let data = if sample.event_type == "user.deleted" {
        json!({ "id": sample.id, "teams": [] })
    } else {
        sample_user(sample)
    };
    json!({ "type": sample.event_type, "data": data })
}

fn sample_user(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    json!({
        "id": sample.id,
        "primary_email": sample.email,
        "primary_email_verified": true,
        "primary_email_auth_enabled": true,
        "display_name": "Ada Lovelace",
        "profile_image_url": null,
        "signed_up_at_millis": now,
        "last_active_at_millis": now,
        "has_password": true,
        "otp_auth_enabled": false,
        "passkey_auth_enabled": false,
        "client_metadata": null,
        "client_read_only_metadata": null,
        "server_metadata": null,
        "selected_team_id": null,
        "selected_team": null,
        "oauth_providers": [],
        "is_anonymous": false,
        "is_restricted": false,
        "restricted_reason": null,
    })
}
