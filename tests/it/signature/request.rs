//! A request that a scheme signed, to be tampered with.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use users_sync::model::DeliveryId;
use users_sync::signature::{Form, Keys, Message, Proof, PublicKey, Rejection, Scheme, Secret};

pub(super) const BODY: &str = r#"{"type":"user.created","data":{"id":"user_1","name":"Zoë 😀"}}"#;

#[derive(Clone)]
pub(super) struct Request {
    pub(super) scheme: Scheme,
    pub(super) secrets: Vec<Secret>,
    pub(super) published: Vec<PublicKey>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) now: Timestamp,
}

pub(super) fn text(secret: &str) -> Vec<Secret> {
    Secret::parse_list(secret, Form::Text).expect("a secret")
}

/// When every request is signed.
pub(super) fn sent_at() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().expect("a time")
}

impl Request {
    pub(super) fn signed(scheme: impl Into<Scheme>, secrets: Vec<Secret>) -> Self {
        let scheme = scheme.into();
        let id = DeliveryId::new("msg_1").expect("an id");
        let message = Message { id: &id, sent_at: sent_at(), body: BODY };
        let signed = scheme.sign(&secrets[0], &message).expect("the secret signs");
        let value = |text: String| HeaderValue::try_from(text).expect("visible ASCII");
        let named = |(name, text)| (HeaderName::from_static(name), value(text));
        let headers = signed.headers.into_iter().map(named).collect();
        let body = signed.body.into_bytes();
        Self { scheme, secrets, published: Vec::new(), headers, body, now: sent_at() }
    }

    /// A request without headers, for a provider that publishes these keys.
    pub(super) fn published(scheme: Scheme, published: Vec<PublicKey>, body: &str) -> Self {
        let (headers, body) = (HeaderMap::new(), body.as_bytes().to_vec());
        Self { scheme, secrets: Vec::new(), published, headers, body, now: sent_at() }
    }

    pub(super) fn value(&self, name: &str) -> String {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.expect("a signed header").to_owned()
    }

    pub(super) fn with(&self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let mut changed = self.clone();
        changed.headers.insert(name, bytes(value));
        changed
    }

    pub(super) fn and(&self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let mut changed = self.clone();
        changed.headers.append(name, bytes(value));
        changed
    }

    pub(super) fn without(&self, name: &'static str) -> Self {
        let mut changed = self.clone();
        changed.headers.remove(name);
        changed
    }

    pub(super) fn with_body(&self, body: impl AsRef<[u8]>) -> Self {
        Self { body: body.as_ref().to_vec(), ..self.clone() }
    }

    pub(super) fn with_secrets(&self, secrets: Vec<Secret>) -> Self {
        Self { secrets, ..self.clone() }
    }

    pub(super) fn with_keys(&self, published: Vec<PublicKey>) -> Self {
        Self { published, ..self.clone() }
    }

    /// The same, arriving this long after it was signed.
    pub(super) fn after(&self, seconds: i64) -> Self {
        let now = sent_at() + SignedDuration::from_secs(seconds);
        Self { now, ..self.clone() }
    }

    pub(super) fn verify(&self) -> Result<Proof, Rejection> {
        let keys = Keys { secrets: &self.secrets, published: &self.published };
        self.scheme.verify(keys, &self.headers, &self.body, self.now)
    }

    pub(super) fn accepted(&self) -> Proof {
        self.verify().expect("the request is right")
    }

    pub(super) fn refusal(&self) -> Rejection {
        self.verify().expect_err("the request is wrong")
    }

    /// The words of the refusal.
    pub(super) fn reason(&self) -> String {
        self.refusal().to_string()
    }
}

fn bytes(value: impl AsRef<[u8]>) -> HeaderValue {
    HeaderValue::from_bytes(value.as_ref()).expect("bytes that HTTP allows")
}
