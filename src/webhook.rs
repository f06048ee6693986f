//! From a request to its meaning: a `Source` verifies bytes into a `Delivery`, a `Delivery` decodes into a
//! `Verdict`.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

use crate::json::{Object, Unreadable, without_nul};
use crate::model::{Change, DeliveryId, Key, Kind};
use crate::provider::{self, Envelope, Meaning, Provider};
use crate::rules::Rules;
use crate::signature::{KeySet, Keys, Proof, Rejection, Secret};

/// A change dated later than this after its arrival would freeze its row.
const FUTURE_LIMIT: SignedDuration = SignedDuration::from_hours(24);

/// A configured provider.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: Arc<str>,
    pub provider: &'static Provider,
    pub secrets: Vec<Secret>,
    /// The keys that its provider publishes, if it signs with such keys.
    pub published: Option<Arc<KeySet>>,
    pub rules: Arc<Rules>,
}

impl Source {
    /// A source that shares these secrets with its provider.
    pub fn new(name: &str, provider: &'static Provider, secrets: Vec<Secret>) -> Self {
        let (name, rules) = (Arc::from(name), Arc::default());
        Self { name, provider, secrets, published: None, rules }
    }

    /// Rejects headers that cannot become a delivery, whatever the body is.
    pub fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.provider.scheme.screen(headers)
    }

    /// The only way from a request to a delivery, with the published keys that are known.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Delivery, Rejection> {
        let known = self.published.as_ref().map(|set| set.known());
        let published = known.as_deref().unwrap_or_default();
        let keys = Keys { secrets: &self.secrets, published };
        let Proof { id, secret, content } =
            self.provider.scheme.verify(keys, headers, &body, now)?;
        let body = content.unwrap_or(body);
        let id = self.provider.delivery_id(&body).or(id).unwrap_or_else(|| DeliveryId::of(&body));
        Ok(Delivery { secret, ..self.recall(id, now, body) })
    }

    /// A source that is no longer configured, so that its deliveries can be read: its name must be that of a
    /// provider.
    pub fn unconfigured(name: &str) -> Option<Self> {
        let provider = provider::find(name)?;
        Some(Self::new(name, provider, Vec::new()))
    }

    /// An event from the provider's own log, read from its API, in the form of a delivery.
    pub fn logged(&self, event: Bytes, now: Timestamp) -> Delivery {
        let id = self.provider.delivery_id(&event).unwrap_or_else(|| DeliveryId::of(&event));
        self.recall(id, now, event)
    }

    /// A delivery from the journal, which was verified when it arrived.
    pub fn recall(&self, id: DeliveryId, received_at: Timestamp, body: Bytes) -> Delivery {
        let Self { name, provider, rules, .. } = self;
        let (source, rules) = (name.clone(), rules.clone());
        Delivery { source, provider, rules, id, secret: None, received_at, body }
    }

    /// The entity that the body of an event names, even if the rest of the body cannot be read.
    pub fn subject(&self, body: &str) -> Option<Key> {
        self.rules.key(self.provider.subject(body)?).ok()
    }
}

/// The verdict about a delivery that has no content of its own.
const ONLY_NAMES: Verdict =
    Verdict::Ignored("it only names what changed: the provider's API shows the content");

/// One verified request.
pub struct Delivery {
    source: Arc<str>,
    provider: &'static Provider,
    rules: Arc<Rules>,
    id: DeliveryId,
    secret: Option<usize>,
    received_at: Timestamp,
    body: Bytes,
}

/// A delivery after decoding, whether or not it could be understood.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub source: Arc<str>,
    pub provider: &'static Provider,
    pub id: DeliveryId,
    pub received_at: Timestamp,
    pub body: Bytes,
    pub event_type: Option<String>,
    pub verdict: Verdict,
    /// Entities of which only the provider's API shows the content.
    pub named: Vec<Key>,
    /// The kind of which all entities are to be read again.
    pub rereads: Option<Kind>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// At least one.
    Changes(Vec<Change>),
    Ignored(&'static str),
    /// Kept with its bytes and this reason.
    Quarantined(String),
}

impl Verdict {
    /// What it says about entities.
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Changes(changes) => changes,
            Self::Ignored(_) | Self::Quarantined(_) => &[],
        }
    }
}

impl Delivery {
    pub fn id(&self) -> &DeliveryId {
        &self.id
    }

    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// The index of the secret that signed it, from 0; `None` for a published key, and for a delivery from the journal.
    pub fn secret(&self) -> Option<usize> {
        self.secret
    }

    /// When the sender made this delivery; `None` if only the journal knows, by the first receipt, and the provider's
    /// snapshots have no version of their own.
    pub fn made_at(&self) -> Option<Timestamp> {
        let from_id = self.provider.scheme.made_at(&self.id).filter(|at| !self.is_future(*at));
        from_id.or_else(|| self.provider.versioned.then_some(self.received_at))
    }

    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// What the delivery says, with `made_at` as the time when it was made.
    pub fn decode(self, made_at: Timestamp) -> Decoded {
        let readable = without_nul(self.body.clone());
        let (event_type, meaning) = match std::str::from_utf8(&readable) {
            Ok(text) => self.read(&readable, text, made_at),
            Err(_) => (None, Err(Unreadable::NotUtf8)),
        };
        let mut named = Vec::new();
        let verdict = match meaning.and_then(|meaning| self.not_in_the_future(meaning)) {
            Ok(Meaning::Changes(changes)) => Verdict::Changes(changes),
            Ok(Meaning::Names { keys, changes }) => {
                named = keys;
                if changes.is_empty() { ONLY_NAMES } else { Verdict::Changes(changes) }
            }
            Ok(Meaning::Ignored(reason)) => Verdict::Ignored(reason),
            Err(unreadable) => Verdict::Quarantined(unreadable.to_string()),
        };
        let counts = event_type.as_deref().filter(|event| !self.rules.ignores(event));
        let rereads = counts.and_then(|event| self.provider.reread_after(event));
        let Self { source, provider, id, received_at, body, rules: _, secret: _ } = self;
        Decoded { source, provider, id, received_at, body, event_type, verdict, named, rereads }
    }

    fn read(
        &self,
        bytes: &Bytes,
        text: &str,
        made_at: Timestamp,
    ) -> (Option<String>, Result<Meaning, Unreadable>) {
        let body = match Object::parse(text, "the body") {
            Ok(body) => body,
            Err(unreadable) => return (None, Err(unreadable)),
        };
        let event_type = match (self.provider.event_type)(&body) {
            Ok(event_type) => event_type,
            Err(unreadable) => return (None, Err(unreadable)),
        };
        let envelope =
            Envelope { event_type: &event_type, body, bytes, delivery: &self.id, made_at };
        let read = || (self.provider.decode)(&envelope);
        let meaning = self.rules.meaning(self.provider, &envelope.body, &event_type, read);
        (Some(event_type), meaning)
    }

    /// Compared with the arrival, which may be at the end of the calendar if an operator wrote the journal row by
    /// hand.
    fn is_future(&self, at: Timestamp) -> bool {
        self.received_at.saturating_add(FUTURE_LIMIT).is_ok_and(|limit| at > limit)
    }

    fn not_in_the_future(&self, meaning: Meaning) -> Result<Meaning, Unreadable> {
        match &meaning {
            Meaning::Changes(changes) | Meaning::Names { changes, .. }
                if changes.iter().any(|change| self.is_future(change.at())) =>
            {
                Err(Unreadable::Future)
            }
            _ => Ok(meaning),
        }
    }
}
