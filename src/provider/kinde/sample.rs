//! Realistic deliveries of Kinde's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let kind = PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User);
    let object = match (kind, sample.event_type.ends_with(".deleted")) {
        (Kind::Organization, true) => json!({ "code": sample.id }),
        (_, true) => json!({ "id": sample.id }),
        (Kind::Organization, false) => json!({
            "code": sample.id,
            "name": "Analytical Engines",
            "handle": "analytical-engines",
            "external_id": null,
        }),
        (Kind::Role, false) => json!({
            "id": sample.id,
            "key": "operator",
            "name": "Operator",
            "description": "Runs the engines",
            "is_default_role": false,
        }),
        _ => json!({
            "id": sample.id,
            "email": sample.email,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "username": null,
            "phone": null,
            "is_suspended": false,
            "is_password_reset_requested": false,
            "organizations": [{ "code": sample.organization_id, "roles": null, "permissions": null }],
        }),
    };
    let now = sample.now.to_string();
    json!({
        "type": sample.event_type,
        "event_id": format!("event_{}", uuid::Uuid::new_v4().simple()),
        "event_timestamp": now,
        "timestamp": now,
        "source": "admin",
        "data": { kind.as_str(): object },
    })
}
