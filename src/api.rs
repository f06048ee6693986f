//! A provider's API: reads lists page by page and entities one by one, within the rate limit and with retries.
//!
//! Every answer becomes readings. A reading's version is the snapshot's own if it has one, else the fence: a moment
//! before which every change is in the answer.

mod access;
mod error;
mod keys;
mod list;
mod log;
mod one;
mod request;
mod walk;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::http::HeaderMap;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::json::{Object, Unreadable};
use crate::law::SETTLING;
use crate::model::{DeliveryId, Key, Kind, Reading, Record, Version};
use crate::provider::Provider;
use crate::provider::api::Api;
use crate::rules::Rules;

pub use error::{Error, Obstacle};
pub use keys::{KeysUnavailable, ready, update};
pub use list::Page;
pub use log::{Events, Logged};
pub use one::{Found, Removed};
pub use request::Patience;
use request::Requests;
pub use walk::{Incomplete, Walk};

/// The address and the credentials of one source's API.
#[derive(Clone)]
pub struct Settings {
    pub source: Arc<str>,
    pub provider: &'static Provider,
    /// The provider's.
    pub api: &'static Api,
    pub url: String,
    /// In the order of the provider's credentials.
    pub credentials: Vec<SecretString>,
    /// The source's.
    pub rules: Arc<Rules>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({} at {})", self.source, self.url)
    }
}

/// A client for one source's API.
pub struct Client {
    source: Arc<str>,
    provider: &'static Provider,
    api: &'static Api,
    rules: Arc<Rules>,
    instance: Option<Instance>,
    requests: Requests,
    /// The kinds whose lists were switched off at the last request.
    off: Mutex<HashSet<Kind>>,
}

/// The instance or project that a client asks, as the configuration names it.
#[derive(Clone, Debug)]
pub struct Instance {
    pub variable: &'static str,
    pub name: String,
}

impl Client {
    pub fn new(settings: &Settings, patience: Patience) -> Result<Self, Error> {
        let requests = Requests::new(settings, patience)?;
        let Settings { source, provider, api, rules, .. } = settings;
        let mut credentials = api.credentials.iter().zip(&settings.credentials);
        let instance = credentials.find(|(credential, _)| credential.names_instance).map(
            |(credential, value)| Instance {
                variable: credential.variable,
                name: value.expose_secret().to_owned(),
            },
        );
        let (source, rules, off) = (source.clone(), rules.clone(), Mutex::default());
        Ok(Self { source, provider, api, rules, instance, requests, off })
    }

    /// `None` if only the key identifies it.
    pub fn instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The variables that hold the credentials.
    pub fn variables(&self) -> &str {
        self.requests.variables()
    }

    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    pub fn api(&self) -> &'static Api {
        self.api
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub fn shared_rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    /// Whether a snapshot says when it was made.
    pub fn versioned(&self) -> bool {
        self.provider.versioned
    }

    fn record(&self, kind: Kind, data: &Object<'_>, bytes: &Bytes) -> Result<Record, Unreadable> {
        (self.provider.record)(kind, data, bytes)
    }

    /// The key in the tables of an entity whose record may be unreadable.
    fn key(&self, kind: Kind, data: &Object<'_>) -> Result<Key, Unreadable> {
        self.rules.key((self.provider.key)(kind, data)?)
    }

    /// Whether the source ignores an entity that its provider shows.
    fn leaves_out(&self, record: &Record) -> Result<bool, Unreadable> {
        self.rules.leaves_out(self.provider, record)
    }

    /// The reading that an answer as of `fence` gives with the provider's record.
    fn reading(&self, mut record: Record, fence: Timestamp) -> Result<Reading, Unreadable> {
        if !self.provider.versioned {
            record.updated_at = Some(fence);
        }
        let at = record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
        if at > fence + SignedDuration::from_hours(24) {
            return Err(Unreadable::Future);
        }
        let record = self.rules.record(self.provider, record)?;
        let is_reused = self.provider.reused.contains(&record.kind());
        let change = self.provider.snapshot(Version { at, delivery: mark(fence) }, record);
        // A replica of the provider may still show an entity that was just deleted.
        let change = change.fenced(is_reused.then(|| fence - SETTLING));
        Ok(Reading { source: self.source.clone(), change })
    }
}

/// A whole answer, and its fence.
struct Answer {
    headers: HeaderMap,
    body: Bytes,
    fence: Timestamp,
}

/// The prefix of an answer's id: bytewise after any id of a delivery.
const ANSWER: char = '~';

/// The id of an answer: bytewise after the id of any delivery, and after that of an earlier answer.
fn mark(fence: Timestamp) -> DeliveryId {
    DeliveryId::new(&format!("{ANSWER}{:011}", fence.as_second())).expect("a number is a short id")
}

/// Whether this version was read from an API, and not delivered.
pub fn is_answer(version: &Version) -> bool {
    version.delivery.as_str().starts_with(ANSWER)
}

/// How long to wait after an answer as of `fence` until a new one can include this version. A fence is in whole
/// seconds, and lies up to two of them in the past.
pub fn until_seen(version_at: Timestamp, fence: Timestamp) -> Duration {
    let seconds = version_at.as_second().saturating_sub(fence.as_second()).saturating_add(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default().max(1))
}
