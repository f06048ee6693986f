//! Realistic deliveries of Auth0's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let object = match PROVIDER.kind_of(sample.event_type) {
        Some(Kind::Organization) => json!({
            "id": sample.id,
            "name": "analytical-engines",
            "display_name": "Analytical Engines",
            "metadata": {},
        }),
        Some(Kind::Membership) => json!({
            "organization": { "id": sample.organization_id, "name": "analytical-engines" },
            "user": { "user_id": sample.user_id },
        }),
        _ => user(sample),
    };
    json!({
        "id": format!("evt_{}", uuid::Uuid::new_v4().simple()),
        "source": "urn:auth0:example.auth0app.com",
        "specversion": "1.0",
        "type": sample.event_type,
        "time": sample.now.to_string(),
        "data": { "object": object },
        "a0tenant": "example",
        "a0stream": "est_users_sync_sample",
    })
}

fn user(sample: &Sample<'_>) -> Value {
    let now = sample.now.to_string();
    json!({
        "user_id": sample.id,
        "email": sample.email,
        "email_verified": true,
        "name": "Ada Lovelace",
        "nickname": "ada",
        "identities": [{ "connection": "Username-Password-Authentication", "provider": "auth0", "user_id": "1", "isSocial": false }],
        "created_at": now,
        "updated_at": now,
        "blocked": false,
        "app_metadata": {},
        "user_metadata": {},
    })
}
