//! Realistic deliveries of Clerk's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let kind = PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User);
    let data = match (kind, sample.event_type.ends_with(".deleted")) {
        // The deletion of a membership shows the whole of it.
        (Kind::Membership, _) => membership(sample),
        (Kind::Organization, true) => deleted("organization", sample),
        (Kind::Organization, false) => organization(sample.id, sample),
        (Kind::Role, true) => deleted("role", sample),
        (Kind::Role, false) => role(sample),
        (_, true) => deleted("user", sample),
        (_, false) => user(sample),
    };
    json!({
        "data": data,
        "object": "event",
        "type": sample.event_type,
        "timestamp": sample.now.as_millisecond(),
        "instance_id": "ins_users_sync_sample",
        "event_attributes": { "http_request": { "client_ip": "192.0.2.1", "user_agent": "users-sync" } },
    })
}

fn deleted(object: &str, sample: &Sample<'_>) -> Value {
    json!({ "object": object, "id": sample.id, "deleted": true })
}

fn organization(id: &str, sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    json!({
        "object": "organization",
        "id": id,
        "name": "Analytical Engines",
        "slug": "analytical-engines",
        "image_url": "https://img.example.com/engines.png",
        "has_image": true,
        "members_count": 1,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": true,
        "public_metadata": {},
        "private_metadata": {},
        "created_by": sample.user_id,
        "created_at": now,
        "updated_at": now,
    })
}

fn membership(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    json!({
        "object": "organization_membership",
        "id": sample.id,
        "role": "org:admin",
        "role_name": "Admin",
        "permissions": ["org:sys_memberships:manage"],
        "public_metadata": {},
        "private_metadata": {},
        "organization": organization(sample.organization_id, sample),
        "public_user_data": {
            "user_id": sample.user_id,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "image_url": "https://img.example.com/ada.png",
            "has_image": true,
            "identifier": sample.email,
            "username": null,
            "banned": false,
            "deprovisioned": false,
        },
        "created_at": now,
        "updated_at": now,
    })
}

/// The role of the sample membership.
fn role(sample: &Sample<'_>) -> Value {
    let now = sample.now.as_millisecond();
    json!({
        "object": "role",
        "id": sample.id,
        "name": "Admin",
        "key": "org:admin",
        "description": "May do everything",
        "is_creator_eligible": true,
        "permissions": [{
            "object": "permission",
            "id": "perm_users_sync_sample",
            "name": "Delete engines",
            "key": "org:engines:delete",
            "description": "May delete engines",
            "type": "user",
            "created_at": now,
            "updated_at": now,
        }],
        "created_at": now,
        "updated_at": now,
    })
}

fn user(sample: &Sample<'_>) -> Value {
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
