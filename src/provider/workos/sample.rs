//! Realistic deliveries of WorkOS's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let kind = PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User);
    let mut data = match kind {
        Kind::Organization => organization(sample),
        Kind::Membership => membership(sample),
        Kind::Role => role(sample),
        _ => user(sample),
    };
    let now = sample.now.to_string();
    data["created_at"] = json!(now);
    data["updated_at"] = json!(now);
    json!({
        "object": "event",
        "id": format!("event_{}", uuid::Uuid::new_v4().simple()),
        "event": sample.event_type,
        "data": data,
        "created_at": now,
    })
}

fn user(sample: &Sample<'_>) -> Value {
    json!({
        "object": "user",
        "id": sample.id,
        "email": sample.email,
        "email_verified": true,
        "name": null,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "profile_picture_url": null,
        "last_sign_in_at": null,
        "external_id": null,
        "metadata": {},
        "locale": null,
    })
}

fn organization(sample: &Sample<'_>) -> Value {
    json!({
        "object": "organization",
        "id": sample.id,
        "name": "Analytical Engines",
        "allow_profiles_outside_organization": false,
        "external_id": null,
        "metadata": {},
        "domains": [],
    })
}

fn membership(sample: &Sample<'_>) -> Value {
    json!({
        "object": "organization_membership",
        "id": sample.id,
        "user_id": sample.user_id,
        "organization_id": sample.organization_id,
        "status": "active",
        "role": { "slug": "admin" },
        "directory_managed": false,
        "custom_attributes": {},
    })
}

fn role(sample: &Sample<'_>) -> Value {
    let mut role = json!({
        "object": "role",
        "slug": sample.id,
        "resource_type_slug": "organization",
        "permissions": ["engines:read", "engines:run"],
    });
    if sample.event_type.starts_with("organization_role.") {
        role["object"] = json!("organization_role");
        role["organization_id"] = json!(sample.organization_id);
        role["name"] = json!("Operator");
        role["description"] = json!(null);
    }
    role
}
