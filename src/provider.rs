//! The providers, each a row of data: the names of its deliveries, their signature, their content, and how to use
//! its API.

pub mod api;
pub mod log;
mod auth0;
mod clerk;
mod event;
mod hanko;
mod ids;
mod kinde;
mod logto;
mod neon;
mod okta;
mod ory;
mod stack;
mod supabase;
mod workos;

use bytes::Bytes;
use http::HeaderMap;

use crate::json::{Object, Unreadable};
use crate::model::{Change, DeliveryId, Key, Kind, Record, Version};
use crate::signature::Scheme;
use api::Api;
pub use event::{Envelope, Meaning, Sample, TEST_DELIVERY, UNSUPPORTED};
use event::{full_name, raw, set_time};
use ids::{composed, parts, segment};
use log::Log;

/// Every provider that users-sync supports.
pub static ALL: [&Provider; 11] = [
    &clerk::PROVIDER,
    &stack::PROVIDER,
    &auth0::PROVIDER,
    &hanko::PROVIDER,
    &kinde::PROVIDER,
    &logto::PROVIDER,
    &neon::PROVIDER,
    &okta::PROVIDER,
    &ory::PROVIDER,
    &supabase::PROVIDER,
    &workos::PROVIDER,
];

/// Two of them, for messages and examples.
pub const EXAMPLES: [&Provider; 2] = [&clerk::PROVIDER, &stack::PROVIDER];

pub struct Provider {
    /// The name in routes, variables and logs.
    pub name: &'static str,
    /// The name that people write.
    pub title: &'static str,
    pub scheme: Scheme,
    /// The path below the tenant's address at which the provider publishes its keys, if it signs with such keys.
    pub keys_path: &'static str,
    /// The type of an event, from the body.
    pub event_type: fn(&Object<'_>) -> Result<String, Unreadable>,
    /// The id that every attempt of a delivery has in its body, if the scheme's own id is missing or differs between attempts.
    pub delivery_id: Option<DeliveryIdOf>,
    /// The object of an event, in its body.
    pub object: for<'a> fn(&Object<'a>) -> Result<Option<Object<'a>>, Unreadable>,
    /// The instance that an event comes from, in its body; `None` if bodies do not name one.
    pub instance: Option<FieldOf<String>>,
    /// The id that the application has given a user or an organization at the provider.
    pub external_id: fn(Kind, &Object<'_>) -> Result<Option<String>, Unreadable>,
    /// Whether a user is anonymous; `None` if the provider has no such users.
    pub anonymous: Option<FieldOf<bool>>,
    /// Whether a request asks for a permission, which is always given: it changes nothing, and must never wait for us.
    pub asks_permission: fn(&HeaderMap) -> bool,
    /// The answer to a request without a body by which the provider checks the endpoint.
    pub challenge: fn(&HeaderMap) -> Option<serde_json::Value>,
    /// The vendor's own names for the variable of the signing secret, if they differ from ours.
    pub secret_aliases: &'static [&'static str],
    /// Whether a snapshot carries its own version; if not, the time of the delivery orders it.
    pub versioned: bool,
    pub decode: fn(&Envelope<'_>) -> Result<Meaning, Unreadable>,
    /// The key of the entity of this kind in an object, of a delivery or of an API answer.
    pub key: fn(Kind, &Object<'_>) -> Result<Key, Unreadable>,
    /// The entity of this kind that an object in these bytes shows, of a delivery or of an API answer.
    pub record: fn(Kind, &Object<'_>, &Bytes) -> Result<Record, Unreadable>,
    /// Kinds whose ids can be used again after a deletion: a later snapshot lifts the tombstone.
    pub reused: &'static [Kind],
    /// `None` if the vendor has no API that lists users, or none that users-sync knows.
    pub api: Option<Api>,
    /// The log of its events, if it keeps one and the API shows it.
    pub log: Option<Log>,
    /// The organization that an entity is or belongs to, if its id contains it.
    pub belongs_to: fn(&Key) -> Option<String>,
    /// Fields that the vendor shows only to servers, wherever they appear in a body.
    pub private: &'static [&'static str],
    /// The prefix of its user ids.
    pub id_prefix: &'static str,
    /// The events that we understand and their kinds; the creation of a user is first.
    pub events: &'static [(&'static str, Kind)],
    /// Events that name no entity of ours, but after which all of a kind are to be read again.
    pub rereads: &'static [(&'static str, Kind)],
    /// The body of a realistic delivery, for `users-sync send`.
    pub sample: fn(&Sample<'_>) -> serde_json::Value,
}

pub type DeliveryIdOf = fn(&Object<'_>) -> Option<String>;

/// What is read from an object.
pub type FieldOf<T> = fn(&Object<'_>) -> Result<T, Unreadable>;

/// What most providers have in common; the file of each says the rest.
const BASE: Provider = Provider {
    name: "",
    title: "",
    scheme: Scheme::Svix,
    keys_path: "/.well-known/jwks.json",
    event_type: |body| body.id("type"),
    delivery_id: None,
    object: |body| body.object("data"),
    instance: None,
    external_id: |_, object| object.filled("external_id"),
    anonymous: None,
    asks_permission: |_| false,
    challenge: |_| None,
    secret_aliases: &[],
    versioned: true,
    decode: |_| Ok(UNSUPPORTED),
    key: |kind, object| Ok(Key::new(kind, object.id("id")?)),
    record: |_, _, _| Err(Unreadable::Unexpected { field: "the object", expected: "known" }),
    reused: &[],
    api: None,
    log: None,
    belongs_to: |_| None,
    private: &[],
    id_prefix: "",
    events: &[],
    rereads: &[],
    sample: |_| serde_json::Value::Null,
};

impl Provider {
    /// Reads the object in a mirror row again, as the snapshot that it came from.
    pub fn reread(&self, kind: Kind, raw: &str, version: &Version) -> Result<Record, Unreadable> {
        let bytes = Bytes::copy_from_slice(raw.as_bytes());
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let mut record = (self.record)(kind, &Object::parse(text, "raw_json")?, &bytes)?;
        if !self.versioned {
            record.updated_at = Some(version.at);
        } else if record.updated_at.is_none() {
            // It came from no snapshot of this provider's.
            return Err(Unreadable::Missing { field: "updated_at" });
        }
        Ok(record)
    }

    /// The snapshot of a record that was made at this version.
    pub fn snapshot(&self, version: Version, record: Record) -> Change {
        let fence = self.reused.contains(&record.kind()).then_some(version.at);
        Change::Snapshot { version, record, fence }
    }

    /// The entity that the body of an event names, even if the rest of the body cannot be read.
    pub fn subject(&self, body: &str) -> Option<Key> {
        let body = Object::parse(body, "the body").ok()?;
        let kind = self.kind_of(&(self.event_type)(&body).ok()?)?;
        (self.key)(kind, &(self.object)(&body).ok()??).ok()
    }

    /// The delivery's id in a body, if this provider's bodies have one that counts.
    pub fn delivery_id(&self, body: &[u8]) -> Option<DeliveryId> {
        let (read, text) = (self.delivery_id?, std::str::from_utf8(body).ok()?);
        DeliveryId::new(&read(&Object::parse(text, "the body").ok()?)?)
    }

    /// The kind that an event is about, if we understand the event.
    pub fn kind_of(&self, event_type: &str) -> Option<Kind> {
        let event = self.events.iter().find(|(known, _)| *known == event_type);
        event.map(|(_, kind)| *kind)
    }

    /// The kind of which all entities are to be read again after an event.
    pub fn reread_after(&self, event_type: &str) -> Option<Kind> {
        let event = self.rereads.iter().find(|(known, _)| *known == event_type);
        event.map(|(_, kind)| *kind)
    }

    /// The events that we understand.
    pub fn event_names(&self) -> String {
        names(self.events.iter())
    }

    /// Every event that an endpoint should be subscribed to.
    pub fn subscriptions(&self) -> String {
        self.subscribed().join(", ")
    }

    /// The names of those, each once.
    pub fn subscribed(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.events.iter().map(|(event, _)| *event).collect();
        let further = self.rereads.iter().map(|(event, _)| *event);
        names.extend(further.filter(|event| self.kind_of(event).is_none()));
        names
    }

    /// The names of the events about one kind.
    pub fn events_of(&self, kind: Kind) -> impl Iterator<Item = &'static str> {
        self.events.iter().filter(move |(_, of)| *of == kind).map(|(event, _)| *event)
    }

    /// The event type if it is a known one, else `other`: as a label of metrics it is kept for ever.
    pub fn known_event(&self, event_type: Option<&str>) -> &'static str {
        let known = self.events.iter().find(|(known, _)| Some(*known) == event_type);
        known.map_or("other", |(known, _)| *known)
    }
}

fn names<'a>(events: impl Iterator<Item = &'a (&'static str, Kind)>) -> String {
    events.map(|(event, _)| *event).collect::<Vec<_>>().join(", ")
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.name)
    }
}

/// Credentials of any provider, which people must not see by accident.
const CREDENTIALS: [&str; 10] = [
    "password",
    "password_digest",
    "password_hash",
    "totp_secret",
    "backup_codes",
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "secret",
];

/// The private fields of every provider.
pub fn private() -> Vec<&'static str> {
    let fields = ALL.into_iter().flat_map(|provider| provider.private).copied();
    fields.chain(CREDENTIALS).collect()
}

/// Whether an id of this kind may live again after a deletion, whichever provider it is of.
pub fn reuses(kind: Kind) -> bool {
    ALL.into_iter().any(|provider| provider.reused.contains(&kind))
}

/// Whether a request claims to be signed by the scheme of any provider.
pub fn is_claimed(headers: &HeaderMap) -> bool {
    ALL.into_iter().any(|provider| provider.scheme.is_claimed(headers))
}

pub fn find(name: &str) -> Option<&'static Provider> {
    ALL.into_iter().find(|provider| provider.name == name)
}
