//! Realistic deliveries of Stack's, of every event that we understand.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let kind = PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User);
    let data = match (kind, sample.event_type.ends_with(".deleted")) {
        (Kind::Organization, true) => json!({ "id": sample.id }),
        (Kind::Organization, false) => team(sample),
        (Kind::Membership, _) => {
            json!({ "team_id": sample.organization_id, "user_id": sample.user_id })
        }
        (Kind::Grant, _) => grant(sample),
        (_, true) => json!({ "id": sample.id, "teams": [] }),
        (_, false) => user(sample),
    };
    json!({ "type": sample.event_type, "data": data })
}

fn team(sample: &Sample<'_>) -> Value {
    json!({
        "id": sample.id,
        "display_name": "Analytical Engines",
        "profile_image_url": null,
        "client_metadata": null,
        "client_read_only_metadata": null,
        "server_metadata": null,
        "created_at_millis": sample.now.as_millisecond(),
    })
}

fn grant(sample: &Sample<'_>) -> Value {
    if sample.event_type.starts_with("project_permission.") {
        return json!({ "id": "delete_engines", "user_id": sample.user_id });
    }
    json!({
        "id": "team_admin",
        "team_id": sample.organization_id,
        "user_id": sample.user_id,
    })
}

fn user(sample: &Sample<'_>) -> Value {
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
