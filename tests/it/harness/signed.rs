//! Deliveries as their senders sign them.

use ::http::{HeaderMap, HeaderName, HeaderValue};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use svix::webhooks::Webhook;
use users_sync::ksuid;
use users_sync::model::DeliveryId;
use users_sync::provider::{self, Provider};
use users_sync::signature::{self, Form, Message, Scheme, Secret};
use users_sync::webhook::{Decoded, Delivery, Source};

/// The key that every test's sender signs with.
pub(crate) const KEY: &[u8] = b"the key of the tests: 32 bytes !";

/// A source that has these keys in the form of its provider's scheme.
pub(super) fn source(provider: &'static Provider, keys: &[Vec<u8>]) -> Source {
    let secret = |key: &Vec<u8>| match provider.scheme.secrets() {
        Form::Encoded | Form::Text => Secret::from_bytes(key.clone()),
        Form::Public | Form::Pair => pair(key),
    };
    Source::new(provider.name, provider, keys.iter().map(secret).collect())
}

/// The key pair of these bytes, of any length.
fn pair(key: &[u8]) -> Secret {
    let seed = digest(&SHA256, key);
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).expect("a hash has 32 bytes");
    let both = STANDARD.encode([seed.as_ref(), pair.public_key().as_ref()].concat());
    let secrets = Secret::parse_list(&format!("whsk_{both}"), Form::Public);
    secrets.expect("a key pair").remove(0)
}

/// A delivery that a test can post any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) source: &'static str,
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: String,
    /// `svix`, or `webhook` for the names of Standard Webhooks.
    pub(crate) prefix: &'static str,
    /// The headers of another scheme than Svix's.
    pub(crate) others: Option<Vec<(String, String)>>,
}

impl Signed {
    /// A new delivery, made and sent now.
    pub(crate) fn new(source: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let id = format!("msg_{}", ksuid::new(Timestamp::now()));
        let signed = Self {
            source,
            id,
            timestamp: Timestamp::now().as_second(),
            body: body.into(),
            signature: String::new(),
            prefix: "svix",
            others: None,
        };
        match provider::find(source).filter(|provider| provider.scheme != Scheme::Svix) {
            Some(provider) => signed.signed_by(provider),
            None => signed.signed_with(KEY),
        }
    }

    /// The same, by the scheme of its provider; its id is the one that counts there.
    fn signed_by(mut self, provider: &'static Provider) -> Self {
        let source = self::source(provider, &[KEY.to_vec()]);
        let (id, body) = (DeliveryId::recorded(&self.id), String::from_utf8(self.body.clone()));
        let body = body.expect("a body of this scheme is text");
        let message = Message { id: &id, sent_at: Timestamp::now(), body: &body };
        let signed = provider.scheme.sign(&source.secrets[0], &message);
        let signature::Signed { headers, body } = signed.expect("the key signs");
        let named = |(name, text): (&str, String)| (name.to_owned(), text);
        self.others = Some(headers.into_iter().map(named).collect());
        self.body = body.into_bytes();
        self.id = self.verified().id().to_string();
        self
    }

    /// The same, under another delivery id. Other schemes than Svix's have it in the body.
    pub(crate) fn with_id(mut self, id: &str) -> Self {
        if self.others.is_some() {
            return self;
        }
        id.clone_into(&mut self.id);
        self.signed_with(KEY)
    }

    /// The same, sent at another time.
    pub(crate) fn sent_at(mut self, timestamp: i64) -> Self {
        self.timestamp = timestamp;
        self.signed_with(KEY)
    }

    /// The same, signed with another key. The svix crate signs only UTF-8, so this applies its rule by hand.
    pub(crate) fn signed_with(mut self, key: &[u8]) -> Self {
        let webhook = Webhook::from_bytes(key.to_vec()).expect("a key");
        self.signature = match webhook.sign(&self.id, self.timestamp, &self.body) {
            Ok(signature) => signature,
            Err(_) => sign_bytes(key, &self.id, self.timestamp, &self.body),
        };
        self
    }

    /// The delivery that the router makes of it.
    pub(crate) fn verified(&self) -> Delivery {
        let named = |(name, value): (String, String)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        let headers: HeaderMap = self.headers().into_iter().filter_map(named).collect();
        let provider = provider::find(self.source).expect("a known provider");
        let source = self::source(provider, &[KEY.to_vec()]);
        let delivery = source.verify(&headers, self.body.clone().into(), Timestamp::now());
        delivery.expect("the harness signs well")
    }

    /// The decoded delivery, before it is written.
    pub(crate) fn decoded(&self) -> Decoded {
        let delivery = self.verified();
        let made_at = delivery.made_at().unwrap_or(delivery.received_at());
        delivery.decode(made_at)
    }

    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        if let Some(headers) = &self.others {
            return headers.clone();
        }
        let named = |name: &str| format!("{}-{name}", self.prefix);
        vec![
            (named("id"), self.id.clone()),
            (named("timestamp"), self.timestamp.to_string()),
            (named("signature"), self.signature.clone()),
        ]
    }
}

fn sign_bytes(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    use aws_lc_rs::hmac;

    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &content);
    format!("v1,{}", STANDARD.encode(tag))
}
