//! Reads an API's lists page by page. The lists of one kind follow each other like one list.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;

use super::one::OF_ANOTHER;
use super::request::Reading as Asked;
use super::{Answer, Client, Error};
use crate::json::{Object, Unreadable, without_nul};
use crate::model::{Kind, Reading, Record};
use crate::provider::api::{self, Denial, IsOff, List, PageOf, Query};

/// The time-out of optional requests.
const SOON: Duration = Duration::from_secs(5);

/// One page of entities of one kind.
#[derive(Debug)]
pub struct Page {
    pub readings: Vec<Reading>,
    /// The number of unreadable entries.
    pub unreadable: usize,
    /// The ids of the unreadable entries, as far as the ids are readable.
    pub unreadable_ids: Vec<String>,
    /// The ids of the entries that the source ignores.
    pub left_out: Vec<String>,
    pub next: Option<String>,
    /// The number of all entities, if the answer contains it.
    pub total: Option<u64>,
    /// Whether the next page is the first of another list.
    pub ends_list: bool,
    /// Whether the instance lacks this list. That proves nothing about the rows in the tables.
    pub is_off: bool,
    pub fence: Timestamp,
}

/// Separates the place of the list from the API's cursor; absent if the kind has one list.
const PLACE: char = ':';

impl Client {
    /// The kinds that the API lists, in the order of a backfill.
    pub fn kinds(&self) -> Vec<Kind> {
        self.api.kinds()
    }

    /// The entities of a kind after `cursor`, or the first ones; with `organization`, only what belongs to it.
    pub async fn page(
        &self,
        kind: Kind,
        organization: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let lists = self.api.lists_of(kind, organization.is_some());
        let (place, cursor) = place_of(lists.len(), cursor);
        let Some(list) = lists.get(place) else {
            return Err(Error::Settings(format!("it has no list of {}", kind.plural())));
        };
        let mut query = (list.query)(cursor);
        let own = organization.map(|id| self.rules.own_id(Kind::Organization, id));
        let own = own.map(|own| own.ok_or(OF_ANOTHER)).transpose()?;
        query.extend(list.narrow.zip(own));
        let listed = self.listed(list, query, cursor).await;
        let is_off = listed.as_ref().err().is_some_and(|error| says_off(list, error));
        let mut page = match listed {
            Err(Error::Status { fence, .. }) if is_off => Page::off(fence),
            page => page?,
        };
        if lists.len() > 1 {
            // A page's count covers only its own list.
            page.total = None;
            page.ends_list = page.next.is_none() && place + 1 < lists.len();
            page.next = match page.next {
                Some(next) => Some(format!("{place}{PLACE}{next}")),
                None => page.ends_list.then(|| format!("{}{PLACE}", place + 1)),
            };
        }
        Ok(page)
    }

    /// Whether the instance has no list of this kind because a feature is switched off. Logs a change to that state.
    pub async fn is_off(&self, kind: Kind) -> bool {
        let is_off = self.lacks(kind).await;
        let mut off = self.off.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_off {
            off.remove(&kind);
        } else if off.insert(kind) {
            let (source, kinds) = (&self.source, kind.plural());
            tracing::info!(%source, "the provider has no {kinds}: their feature is switched off");
        }
        is_off
    }

    /// Asks the API: true only if every list of the kind is switched off.
    async fn lacks(&self, kind: Kind) -> bool {
        let lists = self.api.lists_of(kind, false);
        if lists.iter().any(|list| list.is_off.is_none()) {
            return false;
        }
        for list in lists {
            let mut query = (list.query)(None);
            if let Some((_, limit)) = query.iter_mut().find(|(name, _)| *name == "limit") {
                "1".clone_into(limit);
            }
            match self.requests.get(&Asked::page(list, query), &|_| Ok(())).await {
                Err(error) if says_off(list, &error) => {}
                _ => return false,
            }
        }
        true
    }

    async fn listed(&self, list: &List, query: Query, cursor: Option<&str>) -> Result<Page, Error> {
        let read =
            |answer: Answer| self.read_page(list.kind, list.page, list.together, cursor, answer);
        self.requests.get(&Asked::page(list, query), &read).await
    }

    /// The number of entities of a kind, if the provider counts them.
    pub async fn count(&self, kind: Kind) -> Result<Option<u64>, Error> {
        let lists = self.api.lists_of(kind, false);
        let Some((path, field)) = lists.iter().find_map(|list| list.count) else {
            return Ok(None);
        };
        let read = |Answer { body, .. }: Answer| {
            let text = std::str::from_utf8(&body).map_err(|_| Unreadable::NotUtf8)?;
            Ok(Object::parse(text, "the count")?.integer(field)?)
        };
        let count = self.requests.get(&Asked::of(path), &read).await?;
        Ok(count.and_then(|count| u64::try_from(count).ok()))
    }

    /// Like [`Self::count`] but with a short time-out, because the number is optional.
    pub async fn total(&self, kind: Kind) -> Option<u64> {
        tokio::time::timeout(SOON, self.count(kind)).await.ok()?.ok()?
    }

    /// The users on the first page of the search whose primary address is this one.
    pub async fn with_email(&self, email: &str) -> Result<Vec<Reading>, Error> {
        let lists = self.api.lists_of(Kind::User, false);
        let (Some(list), Some(writes)) = (lists.first(), self.api.writes) else {
            return Err(Error::OnlyRead);
        };
        let mut query = (list.query)(None);
        query.push((writes.email_query, email.to_owned()));
        let read = |answer: Answer| self.read_page(Kind::User, list.page, None, None, answer);
        let asked = Asked::page(list, query);
        let mut found = self.requests.get(&asked, &read).await?.readings;
        found.retain(|reading| {
            let known = reading.change.record().and_then(Record::user);
            let known = known.and_then(|user| user.email.as_ref());
            known.is_some_and(|known| known.eq_ignore_ascii_case(email))
        });
        Ok(found)
    }

    pub(super) fn read_page(
        &self,
        kind: Kind,
        page: PageOf,
        together: Option<fn(&mut [Record])>,
        cursor: Option<&str>,
        Answer { headers, body, fence }: Answer,
    ) -> Result<Page, Error> {
        let bytes = without_nul(body);
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let page = page(&api::Answer::new(text, &headers), cursor)?;
        let mut read = Page { next: page.next, total: page.total, ..Page::empty(fence) };
        let mut records = Vec::with_capacity(page.items.len());
        for data in &page.items {
            match self.record(kind, data, &bytes).and_then(|record| {
                // Whether it is one, before the others are changed by it.
                self.reading(record.clone(), fence).map(|_| record)
            }) {
                Ok(record) => records.push(record),
                Err(error) => {
                    let id = self.key(kind, data).ok().map(|key| key.id);
                    let source = &self.source;
                    tracing::warn!(%source, %kind, id, %error, "an entry of a list cannot be read");
                    read.unreadable += 1;
                    read.unreadable_ids.extend(id);
                }
            }
        }
        if let Some(together) = together {
            together(&mut records);
        }
        for record in records {
            if self.leaves_out(&record)? {
                read.left_out.push(self.rules.record(self.provider, record)?.key.id);
            } else {
                read.readings.push(self.reading(record, fence)?);
            }
        }
        Ok(read)
    }
}

impl Page {
    fn empty(fence: Timestamp) -> Self {
        Self {
            readings: Vec::new(),
            unreadable: 0,
            unreadable_ids: Vec::new(),
            left_out: Vec::new(),
            next: None,
            total: None,
            ends_list: false,
            is_off: false,
            fence,
        }
    }

    /// Whether it has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.readings.is_empty() && self.left_out.is_empty() && self.unreadable == 0
    }

    fn off(fence: Timestamp) -> Self {
        Self { is_off: true, ..Self::empty(fence) }
    }
}

/// Whether an error means that the instance lacks this list.
fn says_off(list: &List, error: &Error) -> bool {
    let says = |is_off: IsOff| denial(error).is_some_and(|(denial, code)| is_off(denial, code));
    list.is_off.is_some_and(says)
}

/// The sort of a refusal, and its code.
pub(super) fn denial(error: &Error) -> Option<(Denial, Option<&str>)> {
    let Error::Status { status, code, .. } = error else { return None };
    let denial = match status {
        404 => Denial::NotFound,
        402 => Denial::NotPaid,
        410 => Denial::Gone,
        426 => Denial::Upgrade,
        400 | 403 | 422 => Denial::Refused,
        _ => return None,
    };
    Some((denial, code.as_deref()))
}

/// The place of the list that a cursor leads into, and the cursor within that list.
fn place_of(lists: usize, cursor: Option<&str>) -> (usize, Option<&str>) {
    let split = cursor.filter(|_| lists > 1).and_then(|cursor| cursor.split_once(PLACE));
    match split.and_then(|(place, rest)| Some((place.parse().ok()?, rest))) {
        Some((place, rest)) => (place, Some(rest).filter(|rest| !rest.is_empty())),
        None => (0, cursor),
    }
}
