//! Deliveries for the benches.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use svix::webhooks::Webhook;
use users_sync::ksuid;
use users_sync::provider::{self, Sample};
use users_sync::signature::Secret;
use users_sync::webhook::{Decoded, Delivery, Source};

const KEY: &[u8] = b"the key of the benches: 32 byte!";

pub(crate) struct Request {
    source: Source,
    headers: HeaderMap,
    pub(crate) body: Bytes,
    now: Timestamp,
}

impl Request {
    /// A signed user.updated of about 2.5 kB.
    pub(crate) fn new(provider: &str, user: &str) -> Self {
        let provider = provider::find(provider).expect("a provider of ours");
        let now = Timestamp::now();
        let email = format!("{user}@example.com");
        let sample = Sample {
            event_type: "user.updated",
            id: user,
            user_id: user,
            organization_id: "org_1",
            email: &email,
            now,
        };
        let mut body = (provider.sample)(&sample);
        let metadata =
            (0..45).map(|word| (format!("key_{word}"), json!(format!("value {word} of {user}"))));
        body["data"]["public_metadata"] = metadata.collect();
        let body = body.to_string();
        let id = format!("msg_{}", ksuid::new(now));
        let webhook = Webhook::from_bytes(KEY.to_vec()).expect("a key");
        let signature = webhook.sign(&id, now.as_second(), body.as_bytes()).expect("text");
        let value = |text: &str| HeaderValue::from_str(text).expect("a header's value");
        let headers = [
            ("svix-id", value(&id)),
            ("svix-timestamp", value(&now.as_second().to_string())),
            ("svix-signature", value(&signature)),
        ];
        let headers =
            headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value));
        let secrets = vec![Secret::from_bytes(KEY.to_vec())];
        let source = Source::new(provider.name, provider, secrets);
        Self { source, headers: headers.collect(), body: body.into(), now }
    }

    pub(crate) fn verified(&self) -> Delivery {
        let delivery = self.source.verify(&self.headers, self.body.clone(), self.now);
        delivery.expect("it is signed")
    }

    pub(crate) fn decoded(&self) -> Decoded {
        self.verified().decode(self.now)
    }
}

/// 64 deliveries of 48 users.
pub(crate) fn batch() -> Vec<Decoded> {
    (0..64).map(|user| Request::new("clerk", &format!("user_{}", user % 48)).decoded()).collect()
}
