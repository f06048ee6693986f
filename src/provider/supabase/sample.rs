//! Realistic deliveries of Supabase's, of every event that we understand.

use serde_json::{Value, json};

use crate::provider::Sample;

pub(super) fn body(sample: &Sample<'_>) -> Value {
    json!({
        "metadata": {
            "uuid": uuid::Uuid::new_v4().to_string(),
            "time": sample.now.to_string(),
            "name": sample.event_type,
            "ip_address": "192.0.2.1",
        },
        "user": user(sample),
    })
}

fn user(sample: &Sample<'_>) -> Value {
    let now = sample.now.to_string();
    json!({
        "id": sample.id,
        "aud": "authenticated",
        "role": "authenticated",
        "email": sample.email,
        "phone": "",
        "email_confirmed_at": now,
        "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": { "full_name": "Ada Lovelace" },
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "is_anonymous": false,
    })
}
