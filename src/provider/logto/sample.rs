//! Realistic deliveries of Logto's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let kind = PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User);
    let mut body = json!({
        "event": sample.event_type,
        "createdAt": sample.now.to_string(),
        "hookId": "hook_users_sync_sample",
        "ip": "192.0.2.1",
        "userAgent": "users-sync",
    });
    match (kind, sample.event_type.ends_with(".Deleted")) {
        (Kind::Membership, _) => {
            body["organizationId"] = sample.organization_id.into();
            body["addedUserIds"] = json!([sample.user_id]);
        }
        (Kind::User, _) => body["data"] = user(sample),
        (_, true) => body["params"] = json!({ "id": sample.id }),
        (Kind::Organization, false) => body["data"] = organization(sample),
        (_, false) => body["data"] = role(sample),
    }
    body
}

fn user(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    json!({
        "id": sample.id,
        "username": null,
        "primaryEmail": sample.email,
        "primaryPhone": null,
        "name": "Ada Lovelace",
        "avatar": null,
        "customData": {},
        "identities": {},
        "lastSignInAt": now,
        "createdAt": now,
        "updatedAt": now,
        "profile": {},
        "applicationId": null,
        "isSuspended": sample.event_type.contains("Suspension"),
        "hasPassword": true,
    })
}

fn organization(sample: &Sample<'_>) -> Value {
    json!({
        "tenantId": "default",
        "id": sample.id,
        "name": "Analytical Engines",
        "description": null,
        "customData": {},
        "isMfaRequired": false,
        "createdAt": sample.now.as_millisecond(),
    })
}

fn role(sample: &Sample<'_>) -> Value {
    json!({
        "tenantId": "default",
        "id": sample.id,
        "name": "admin",
        "description": "May do everything",
        "type": "User",
    })
}
