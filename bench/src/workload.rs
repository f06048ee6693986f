//! Deliveries as Clerk and Stack Auth send them: signed, distinct, 1 to 4 kB.
//!
//! 60 % update an existing user, 30 % create one, 5 % delete one, 5 % repeat an earlier delivery. Three of four are
//! Clerk's.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use svix::webhooks::Webhook;
use users_sync::ksuid;
use users_sync::provider::{self, Provider, Sample};

/// The secret that every sender signs with and every receiver is configured with.
pub(crate) const SECRET: &str = "whsec_dGhlIHNlY3JldCBvZiB0aGUgYmVuY2htYXJrLCAzMmI=";

/// Fields of a user's metadata, 28 bytes each; the minimum is 5.
pub(crate) const MOST_FIELDS: u32 = 100;

pub(crate) struct Workload {
    users: u32,
    next_user: Range<u64>,
    random: StdRng,
}

/// One signed request, and what it says.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) request: Bytes,
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) user: String,
    /// When the change happened, in ms; only Clerk sends it.
    pub(crate) version: Option<i64>,
    pub(crate) deletes: bool,
}

/// The id of a user that is in the tables at the start: each fourth is Stack's.
pub(crate) fn user_id(number: u64) -> String {
    if number.is_multiple_of(4) {
        format!("00000000-0000-4000-8000-{number:012}")
    } else {
        format!("user_{number:027}")
    }
}

impl Workload {
    /// `first_new` is the number of the first user that does not exist yet.
    pub(crate) fn new(users: u32, first_new: u64) -> Self {
        Self { users, next_user: first_new..u64::MAX, random: StdRng::seed_from_u64(first_new) }
    }

    pub(crate) fn deliveries(mut self, count: usize) -> Vec<Delivery> {
        let mut deliveries: Vec<Delivery> = Vec::with_capacity(count);
        for _ in 0..count {
            let repeated = self.random.random_bool(0.05) && deliveries.len() > 1000;
            let delivery = if repeated {
                // A sender repeats an attempt soon if the answer came too late.
                let back = self.random.random_range(300..1000);
                deliveries[deliveries.len() - back].clone()
            } else {
                self.delivery()
            };
            deliveries.push(delivery);
        }
        deliveries
    }

    /// A user's object of the mean size, with `value` in it.
    pub(crate) fn object(&mut self) -> Value {
        let sample = Sample {
            event_type: "user.updated",
            id: "value",
            user_id: "value",
            organization_id: "value",
            email: "value",
            now: Timestamp::now(),
        };
        let provider = provider::find("clerk").expect("a provider of ours");
        let mut body = (provider.sample)(&sample);
        body["data"]["public_metadata"] = self.metadata(MOST_FIELDS / 2);
        body["data"].take()
    }

    fn delivery(&mut self) -> Delivery {
        let (event_type, number) = match self.random.random_range(0..95) {
            0..60 => ("user.updated", u64::from(self.random.random_range(0..self.users))),
            60..90 => ("user.created", self.next_user.next().expect("numbers do not end")),
            _ => ("user.deleted", u64::from(self.random.random_range(0..self.users))),
        };
        let source = if number.is_multiple_of(4) { "stack" } else { "clerk" };
        let provider = provider::find(source).expect("a provider of ours");
        self.sign(provider, event_type, user_id(number))
    }

    fn sign(&mut self, provider: &'static Provider, event_type: &str, user: String) -> Delivery {
        let now = Timestamp::now();
        let id = format!("msg_{}", ksuid::new(now));
        let email = format!("{user}@example.com");
        let sample = Sample {
            event_type,
            id: &user,
            user_id: &user,
            organization_id: "org_1",
            email: &email,
            now,
        };
        let mut body = (provider.sample)(&sample);
        let deletes = event_type == "user.deleted";
        if !deletes {
            let field =
                if provider.name == "clerk" { "public_metadata" } else { "client_metadata" };
            let fields = self.random.random_range(5..MOST_FIELDS);
            body["data"][field] = self.metadata(fields);
        }
        let body = body.to_string();
        let version = (provider.name == "clerk").then(|| now.as_millisecond());
        let request = request(provider.name, &id, now.as_second(), &body);
        Delivery { request, source: provider.name, id, user, version, deletes }
    }

    /// Extends a body to 1 to 4 kB with text that compresses badly.
    fn metadata(&mut self, fields: u32) -> Value {
        let field =
            |n| (format!("key_{n}"), json!(format!("{:016x}", self.random.random::<u64>())));
        (0..fields).map(field).collect()
    }
}

fn request(source: &str, id: &str, timestamp: i64, body: &str) -> Bytes {
    let signature = Webhook::new(SECRET)
        .and_then(|webhook| webhook.sign(id, timestamp, body.as_bytes()))
        .expect("text can be signed");
    let length = body.len();
    format!(
        "POST /webhooks/{source} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         user-agent: Svix-Webhooks/1.100\r\naccept: */*\r\nsvix-id: {id}\r\nsvix-timestamp: {timestamp}\r\n\
         svix-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into()
}
