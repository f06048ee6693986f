//! Realistic deliveries of Okta's, of every event that we understand.

use serde_json::{Value, json};

use super::{GROUP, PROVIDER, USER};
use crate::model::Kind;
use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    let target = match PROVIDER.kind_of(sample.event_type).unwrap_or(Kind::User) {
        Kind::Organization => json!([group(sample.id)]),
        Kind::Membership => json!([user(sample.user_id, sample), group(sample.organization_id)]),
        _ => json!([user(sample.id, sample)]),
    };
    let event_id = uuid::Uuid::new_v4().to_string();
    json!({
        "eventType": "com.okta.event_hook",
        "eventTypeVersion": "1.0",
        "cloudEventsVersion": "0.1",
        "source": "https://acme.okta.com/api/v1/eventHooks/who_users_sync_sample",
        "eventId": event_id,
        "eventTime": sample.now.to_string(),
        "contentType": "application/json",
        "data": { "events": [{
            "uuid": uuid::Uuid::new_v4().to_string(),
            "published": sample.now.to_string(),
            "eventType": sample.event_type,
            "version": "0",
            "severity": "INFO",
            "actor": { "id": "00u_users_sync", "type": "User", "displayName": "users-sync" },
            "outcome": { "result": "SUCCESS", "reason": null },
            "target": target,
        }] },
    })
}

fn user(id: &str, sample: &Sample<'_>) -> Value {
    json!({ "id": id, "type": USER, "alternateId": sample.email, "displayName": "Ada Lovelace" })
}

fn group(id: &str) -> Value {
    json!({ "id": id, "type": GROUP, "alternateId": "unknown", "displayName": "Analytical Engines" })
}
