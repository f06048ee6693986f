//! The providers, each a row of data: what its deliveries are called, how they are signed, what they say, and how its API
//! is asked.

pub mod api;
mod clerk;
mod stack;

use bytes::Bytes;
use jiff::Timestamp;

use crate::json::{Object, Unreadable};
use crate::model::{Change, DeliveryId, RawJson, User, Version};
use crate::signature::Scheme;
use api::Api;

/// Every provider that we know.
pub static ALL: [&Provider; 2] = [&clerk::PROVIDER, &stack::PROVIDER];

pub struct Provider {
    /// As in routes, variables and logs.
    pub name: &'static str,
    /// As people write it.
    pub title: &'static str,
    pub scheme: Scheme,
    /// What the vendor's own documentation calls the variable of the signing secret, where it is not our name for it.
    pub secret_aliases: &'static [&'static str],
    /// Whether a snapshot carries its own version; else the delivery's own time orders it.
    pub versioned: bool,
    pub decode: fn(&Envelope<'_>) -> Result<Meaning, Unreadable>,
    /// The user that an object in these bytes shows, in a delivery as in an answer of the API.
    pub user: fn(&Object<'_>, &Bytes) -> Result<User, Unreadable>,
    pub api: Api,
    /// Fields that the vendor shows to servers alone, wherever they stand in a body.
    pub private: &'static [&'static str],
    /// What its user ids begin with.
    pub id_prefix: &'static str,
    /// The user events it sends, the creation first.
    pub events: &'static [&'static str],
    /// The body of a realistic delivery, for `users-sync send`.
    pub sample: fn(&Sample<'_>) -> serde_json::Value,
}

/// A verified body, opened: what it is called, what it holds and how it came.
pub struct Envelope<'a> {
    pub event_type: &'a str,
    pub body: Object<'a>,
    pub bytes: &'a Bytes,
    pub delivery: &'a DeliveryId,
    /// When the provider made the delivery, or when we first saw it.
    pub made_at: Timestamp,
}

impl<'a> Envelope<'a> {
    /// The object that every event of ours is about.
    pub fn data(&self) -> Result<Object<'a>, Unreadable> {
        self.body.object("data")?.ok_or(Unreadable::Missing { field: "data" })
    }
}

/// The text of an object in these bytes, without a copy.
fn raw(object: &Object<'_>, bytes: &Bytes) -> RawJson {
    RawJson(bytes.slice_ref(object.text().as_bytes()))
}

/// What a readable delivery says.
#[derive(Debug)]
pub enum Meaning {
    Change(Change),
    /// Nothing that we keep, and why.
    Ignored(&'static str),
}

impl Provider {
    /// Reads an object that the mirror keeps once more, as the snapshot that it came from.
    pub fn reread(&self, raw: &str, version: &Version) -> Result<User, Unreadable> {
        let event_type = self.events[0];
        let text = format!(r#"{{"type":"{event_type}","data":{raw}}}"#);
        let (delivery, made_at, bytes) = (&version.delivery, version.at, &Bytes::from(text));
        let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)?;
        let body = Object::parse(text, "raw_json")?;
        match (self.decode)(&Envelope { event_type, body, bytes, delivery, made_at })? {
            Meaning::Change(Change::Snapshot { user, .. }) => Ok(user),
            Meaning::Change(Change::Deleted { .. }) | Meaning::Ignored(_) => {
                Err(Unreadable::Unexpected { field: "raw_json", expected: "a user" })
            }
        }
    }

    /// The user whom the body of a user's event names, even where nothing else of it can be read.
    pub fn subject(&self, body: &str) -> Option<String> {
        let body = Object::parse(body, "the body").ok()?;
        let event_type = body.id("type").ok()?;
        if !self.events.contains(&&*event_type) {
            return None;
        }
        body.object("data").ok()??.id("id").ok()
    }

    /// The event type where it is one of ours, else `other`: a name that may be kept for ever.
    pub fn known_event(&self, event_type: Option<&str>) -> &'static str {
        let known = self.events.iter().find(|known| Some(**known) == event_type);
        known.copied().unwrap_or("other")
    }
}

pub const UNSUPPORTED: Meaning = Meaning::Ignored("unsupported event type");
pub const TEST_DELIVERY: Meaning = Meaning::Ignored("test delivery");

/// What a sample delivery is about.
pub struct Sample<'a> {
    pub event_type: &'a str,
    pub id: &'a str,
    pub email: &'a str,
    pub now: Timestamp,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.name)
    }
}

/// What is nobody's to read by accident, whoever sends it.
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

pub fn find(name: &str) -> Option<&'static Provider> {
    ALL.into_iter().find(|provider| provider.name == name)
}
