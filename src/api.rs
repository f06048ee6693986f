//! A provider's API: its users page by page or one by one, within its limits, patiently.
//!
//! Every answer becomes readings. A reading's version is the snapshot's own where it has one, else the fence: a moment
//! before which every change is in the answer.

mod error;
mod request;
mod walk;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::json::{Object, Unreadable, without_nul};
use crate::model::{Change, DeliveryId, Key, Kind, Reading, Version};
use crate::provider::Provider;
use crate::provider::api::NewUser;

pub use error::{Error, Obstacle};
pub use request::Patience;
use request::Requests;
pub use walk::{Incomplete, Walk};

/// What only helps is waited for so long.
const SOON: Duration = Duration::from_secs(5);

/// A source whose API may be asked.
#[derive(Clone)]
pub struct Settings {
    pub source: Arc<str>,
    pub provider: &'static Provider,
    pub url: String,
    /// In the order of the provider's credentials.
    pub credentials: Vec<SecretString>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({} at {})", self.source, self.url)
    }
}

/// One source's API.
pub struct Client {
    source: Arc<str>,
    provider: &'static Provider,
    instance: Option<Instance>,
    requests: Requests,
}

/// The instance or project that a client asks, as the configuration names it.
#[derive(Clone, Debug)]
pub struct Instance {
    pub variable: &'static str,
    pub name: String,
}

/// One page of users.
#[derive(Debug)]
pub struct Page {
    pub users: Vec<Reading>,
    /// Entries that could not be understood.
    pub unreadable: usize,
    /// The ids of those, where at least these could be read.
    pub unreadable_ids: Vec<String>,
    pub next: Option<String>,
    pub fence: Timestamp,
}

/// What the API says of one id.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub enum Found {
    /// As of `fence` it exists.
    Shown { reading: Reading, fence: Timestamp },
    /// There is no such user, as of this moment.
    Missing(Timestamp),
}

/// What came of deleting a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone since this moment.
    Now(Timestamp),
    /// There is no such user, as of this moment.
    Missing(Timestamp),
}

impl Client {
    pub fn new(settings: &Settings, patience: Patience) -> Result<Self, Error> {
        let requests = Requests::new(settings, patience)?;
        let (source, provider) = (settings.source.clone(), settings.provider);
        let mut credentials = provider.api.credentials.iter().zip(&settings.credentials);
        let instance = credentials.find(|(credential, _)| credential.names_instance).map(
            |(credential, value)| Instance {
                variable: credential.variable,
                name: value.expose_secret().to_owned(),
            },
        );
        Ok(Self { source, provider, instance, requests })
    }

    /// `None` where only the key knows.
    pub fn instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The variables that the key and what belongs to it come from.
    pub fn variables(&self) -> &str {
        self.requests.variables()
    }

    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    pub fn provider(&self) -> &'static Provider {
        self.provider
    }

    /// Whether a snapshot says when it was made.
    pub fn versioned(&self) -> bool {
        self.provider.versioned
    }

    /// The users after `cursor`, or the first ones.
    pub async fn page(&self, cursor: Option<&str>) -> Result<Page, Error> {
        let query = (self.provider.api.page_query)(cursor);
        let read = |answer: Answer| self.read_page(answer);
        self.requests.get("/users", &query, &read).await
    }

    /// How many users there are, where the provider says so.
    pub async fn count(&self) -> Result<Option<u64>, Error> {
        let Some((path, field)) = self.provider.api.count else { return Ok(None) };
        let read = |Answer { body, .. }: Answer| {
            let text = std::str::from_utf8(&body).map_err(|_| Unreadable::NotUtf8)?;
            Ok(Object::parse(text, "the count")?.integer(field)?)
        };
        let count = self.requests.get(path, &[], &read).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()))
    }

    /// As [`Self::count`], where the answer comes soon: nothing depends on it.
    pub async fn total(&self) -> Option<u64> {
        tokio::time::timeout(SOON, self.count()).await.ok()?.ok()?
    }

    pub async fn user(&self, id: &str) -> Result<Found, Error> {
        let read = |answer: Answer| self.read_user(&answer);
        match self.requests.get(&path(id), &[], &read).await {
            Ok((reading, fence)) => Ok(Found::Shown { reading, fence }),
            Err(error) => self.missing(error).map(Found::Missing),
        }
    }

    /// The users whose primary address is this one, as far as one page shows them.
    pub async fn with_email(&self, email: &str) -> Result<Vec<Reading>, Error> {
        let mut query = (self.provider.api.page_query)(None);
        query.push((self.provider.api.email_query, email.to_owned()));
        let read = |answer: Answer| self.read_page(answer);
        let mut found = self.requests.get("/users", &query, &read).await?.users;
        found.retain(|reading| match &reading.change {
            Change::Snapshot { record, .. } => {
                let known = record.user().and_then(|user| user.email.as_ref());
                known.is_some_and(|known| known.eq_ignore_ascii_case(email))
            }
            Change::Deleted { .. } => false,
        });
        Ok(found)
    }

    /// Creates a user. Not repeated where it may have been done.
    pub async fn create(&self, user: &NewUser) -> Result<Reading, Error> {
        let body = (self.provider.api.new_user)(user);
        let answer = self.requests.post("/users", &body).await?;
        Ok(self.read_user(&answer)?.0)
    }

    /// Deletes a user. A page that some proxy or application answers with 200 is no word of the API's.
    pub async fn delete(&self, id: &str) -> Result<Removed, Error> {
        match self.requests.delete(&path(id)).await {
            Ok(Answer { body, fence }) => {
                if !body.trim_ascii().is_empty() {
                    let text = std::str::from_utf8(&body).map_err(|_| Unreadable::NotUtf8)?;
                    Object::parse(text, "the answer")?;
                }
                Ok(Removed::Now(fence))
            }
            Err(error) => self.missing(error).map(Removed::Missing),
        }
    }

    /// A deletion, read from the API.
    pub fn gone(&self, id: &str, at: Timestamp) -> Reading {
        let change = Change::Deleted { key: Key::user(id), at };
        Reading { source: self.source.clone(), change }
    }

    /// As of when there is no such user. Only the API's own word counts, not any 404.
    fn missing(&self, error: Error) -> Result<Timestamp, Error> {
        match error {
            Error::Status { status: 404, code: Some(code), fence, .. } => {
                let is_known = code.eq_ignore_ascii_case(self.provider.api.missing);
                // Nobody is gone since a moment that is still to come: the other clock is ahead.
                if is_known {
                    Ok(fence.min(Timestamp::now()))
                } else {
                    Err(Error::NotUnderstood { code })
                }
            }
            error => Err(error),
        }
    }

    fn read_page(&self, Answer { body, fence }: Answer) -> Result<Page, Error> {
        let bytes = without_nul(body);
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let page = (self.provider.api.page)(text)?;
        let (mut users, mut unreadable, mut unreadable_ids) = (Vec::new(), 0, Vec::new());
        for data in &page.users {
            match self.reading(data, &bytes, fence) {
                Ok(reading) => users.push(reading),
                Err(error) => {
                    let id = data.id("id").ok();
                    tracing::warn!(source = %self.source, user = id, %error, "a user in a list cannot be read");
                    unreadable += 1;
                    unreadable_ids.extend(id);
                }
            }
        }
        Ok(Page { users, unreadable, unreadable_ids, next: page.next, fence })
    }

    fn read_user(&self, Answer { body, fence }: &Answer) -> Result<(Reading, Timestamp), Error> {
        let bytes = without_nul(body.clone());
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let reading = self.reading(&Object::parse(text, "the user")?, &bytes, *fence)?;
        Ok((reading, *fence))
    }

    fn reading(
        &self,
        data: &Object<'_>,
        bytes: &Bytes,
        fence: Timestamp,
    ) -> Result<Reading, Unreadable> {
        let mut record = (self.provider.record)(Kind::User, data, bytes)?;
        if !self.provider.versioned {
            record.updated_at = Some(fence);
        }
        let at = record.updated_at.ok_or(Unreadable::Missing { field: "updated_at" })?;
        if at > fence + SignedDuration::from_hours(24) {
            return Err(Unreadable::Future);
        }
        let change = self.provider.snapshot(Version { at, delivery: mark(fence) }, record);
        Ok(Reading { source: self.source.clone(), change })
    }
}

/// A whole answer, and its fence.
struct Answer {
    body: Bytes,
    fence: Timestamp,
}

/// What the mark of an answer begins with: bytewise after any id of a delivery.
const ANSWER: char = '~';

/// Bytewise after the id of any delivery, and after the mark of an earlier answer.
fn mark(fence: Timestamp) -> DeliveryId {
    DeliveryId::new(&format!("{ANSWER}{:011}", fence.as_second())).expect("a number is a short id")
}

/// Whether this version was read from an API, and not delivered.
pub fn is_answer(version: &Version) -> bool {
    version.delivery.as_str().starts_with(ANSWER)
}

/// How long to wait after an answer as of `fence` until another one can see what is of this version. A fence is in whole
/// seconds, and lies up to two of them in the past.
pub fn until_seen(version_at: Timestamp, fence: Timestamp) -> Duration {
    let seconds = version_at.as_second().saturating_sub(fence.as_second()).saturating_add(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or_default().max(1))
}

fn path(id: &str) -> String {
    format!("/users/{}", encoded(id))
}

/// What an id may hold unencoded as one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

fn encoded(id: &str) -> PercentEncode<'_> {
    utf8_percent_encode(id, SEGMENT)
}
