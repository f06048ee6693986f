//! What a delivery costs before it meets the database: verifying, decoding and folding.
//!
//! `cargo bench -- --save-baseline before`, then after a change `cargo bench -- --baseline before`.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use svix::webhooks::Webhook;
use users_sync::ksuid;
use users_sync::provider::{self, Sample};
use users_sync::signature::Secret;
use users_sync::sync::fold::fold;
use users_sync::webhook::{Decoded, Source};

const KEY: &[u8] = b"the key of the benches: 32 byte!";

struct Request {
    source: Source,
    headers: HeaderMap,
    body: Bytes,
    now: Timestamp,
}

/// A signed user.updated of about 2.5 kB.
fn request(provider: &str, user: &str) -> Request {
    let provider = provider::find(provider).expect("a provider of ours");
    let now = Timestamp::now();
    let email = format!("{user}@example.com");
    let sample = Sample { event_type: "user.updated", id: user, email: &email, now };
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
    let headers = headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value));
    let secrets = vec![Secret::from_bytes(KEY.to_vec())];
    let source = Source { name: Arc::from(provider.name), provider, secrets };
    Request { source, headers: headers.collect(), body: body.into(), now }
}

impl Request {
    fn decoded(&self) -> Decoded {
        let delivery = self.source.verify(&self.headers, self.body.clone(), self.now);
        delivery.expect("it is signed").decode(self.now)
    }
}

fn benches(criterion: &mut Criterion) {
    for provider in ["clerk", "stack"] {
        let request = request(provider, "user_1");
        let mut group = criterion.benchmark_group(provider);
        group.throughput(Throughput::Bytes(request.body.len() as u64));
        group.bench_function("verify", |bencher| {
            bencher.iter(|| {
                let delivery =
                    request.source.verify(&request.headers, request.body.clone(), request.now);
                black_box(delivery.is_ok())
            });
        });
        group.bench_function("verify and decode", |bencher| {
            bencher.iter(|| black_box(request.decoded()));
        });
        group.finish();
    }
    let decoded: Vec<_> =
        (0..64).map(|user| request("clerk", &format!("user_{}", user % 48)).decoded()).collect();
    criterion.bench_function("fold 64 deliveries of 48 users", |bencher| {
        bencher.iter(|| black_box(fold(&decoded, false).entities.len()));
    });
}

criterion_group!(pure, benches);
criterion_main!(pure);
