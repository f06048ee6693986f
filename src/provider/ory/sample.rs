//! Realistic deliveries of Ory's, of every event that we understand.

use serde_json::{Value, json};

use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let now = sample.now.to_string();
    json!({
        "type": sample.event_type,
        "identity": {
            "id": sample.id,
            "schema_id": "default",
            "schema_url": "https://example.com/schemas/default",
            "state": "active",
            "state_changed_at": now,
            "traits": { "email": sample.email, "name": { "first": "Ada", "last": "Lovelace" } },
            "verifiable_addresses": [{
                "id": uuid::Uuid::new_v4().to_string(),
                "value": sample.email,
                "via": "email",
                "verified": true,
                "status": "completed",
                "created_at": now,
                "updated_at": now,
            }],
            "recovery_addresses": [],
            "metadata_public": null,
            "organization_id": null,
            "created_at": now,
            "updated_at": now,
        },
    })
}
