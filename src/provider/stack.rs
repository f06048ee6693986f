//! Stack Auth: <https://docs.stack-auth.com/docs/apps/webhooks>
//!
//! No payload of Stack's says when it was made, so a snapshot's version is the time inside the delivery's id.

use bytes::Bytes;
use serde_json::{Value, json};

use super::api::{Api, Credential, NewUser, Page};
use super::{Envelope, Meaning, Provider, Sample, TEST_DELIVERY, UNSUPPORTED, raw};
use crate::json::{Object, Unreadable};
use crate::model::{Change, Kind, User, Version};
use crate::signature::Scheme;

pub(super) static PROVIDER: Provider = Provider {
    name: "stack",
    title: "Stack Auth",
    scheme: Scheme::Svix,
    secret_aliases: &[],
    versioned: false,
    decode,
    user,
    api: API,
    // <https://docs.stack-auth.com/docs/concepts/custom-user-data>: the two others of the metadata are the client's to read.
    private: &[
        "server_metadata",
        "restricted_by_admin_reason",
        "restricted_by_admin_private_details",
    ],
    id_prefix: "",
    events: &["user.created", "user.updated", "user.deleted"],
    sample,
};

/// The user of every example in Stack's reference: <https://docs.stack-auth.com/api/server/users>
const EXAMPLE_USER: &str = "3241a285-8329-4d69-8f3d-316e08cf140c";

fn decode(envelope: &Envelope<'_>) -> Result<Meaning, Unreadable> {
    let read = match envelope.event_type {
        "user.created" | "user.updated" => snapshot,
        "user.deleted" => deletion,
        "stack.test" => return Ok(TEST_DELIVERY),
        _ => return Ok(UNSUPPORTED),
    };
    // Before the event is read: an example that cannot be read must not be quarantined.
    let data = envelope.data()?;
    if data.id("id").is_ok_and(|id| id == EXAMPLE_USER) {
        return Ok(TEST_DELIVERY);
    }
    read(envelope, &data).map(Meaning::Change)
}

/// `data` is the whole user as the server API shows it, anonymous users too.
fn snapshot(envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let mut user = user(data, envelope.bytes)?;
    user.updated_at = Some(envelope.made_at);
    let version = Version { at: envelope.made_at, delivery: envelope.delivery.clone() };
    Ok(Change::Snapshot { version, user })
}

fn user(data: &Object<'_>, bytes: &Bytes) -> Result<User, Unreadable> {
    Ok(User {
        id: data.id("id")?,
        name: data.filled("display_name")?,
        email: data.filled("primary_email")?,
        // Only shown: a strange one must not cost the user, and raw_json keeps it.
        created_at: data.time("signed_up_at_millis").unwrap_or_default(),
        updated_at: None,
        disabled: restricted_by_administrator(data)?,
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

fn deletion(envelope: &Envelope<'_>, data: &Object<'_>) -> Result<Change, Unreadable> {
    let id = data.id("id")?;
    Ok(Change::Deleted { kind: Kind::User, id, at: envelope.made_at })
}

/// <https://docs.stack-auth.com/api/server/users>
const API: Api = Api {
    url: "https://api.stack-auth.com/api/v1",
    credentials: &[
        Credential {
            variable: "STACK_PROJECT_ID",
            header: "x-stack-project-id",
            prefix: "",
            expected: "the id of the project",
            names_instance: true,
        },
        Credential {
            variable: "STACK_SECRET_SERVER_KEY",
            header: "x-stack-secret-server-key",
            prefix: "",
            expected: "a secret server key of the project (ssk_…)",
            names_instance: false,
        },
    ],
    headers: &[("x-stack-access-type", "server")],
    page_query,
    count: None,
    page,
    rate: |_| None,
    // A search, in names too.
    email_query: "query",
    missing: "USER_NOT_FOUND",
    volatile: &["last_active_at_millis"],
    moving: &[],
    metadata: &["client_metadata", "client_read_only_metadata", "server_metadata"],
    new_user,
};

/// Without the two flags only users who finished signing up are listed, and the others would seem to be gone.
fn page_query(cursor: Option<&str>) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("limit", "500".to_owned()),
        ("order_by", "signed_up_at".to_owned()),
        ("include_anonymous", "true".to_owned()),
        ("include_restricted", "true".to_owned()),
    ];
    query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
    query
}

/// The cursor has been the first user of the next page and the last of this one: it is passed back as it came.
fn page(text: &str) -> Result<Page<'_>, Unreadable> {
    let body = Object::parse(text, "the page")?;
    if !body.has("items") {
        return Err(Unreadable::Missing { field: "items" });
    }
    let next = match body.object("pagination")? {
        Some(pagination) => pagination.filled("next_cursor")?,
        None => None,
    };
    Ok(Page { users: body.objects("items")?, next })
}

fn new_user(user: &NewUser) -> Value {
    json!({
        "primary_email": user.email,
        "primary_email_auth_enabled": true,
        "display_name": user.name,
    })
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
