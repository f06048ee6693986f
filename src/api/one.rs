//! Fetches, creates and deletes single entities.

use jiff::Timestamp;

use super::request::Reading as Asked;
use super::{Answer, Client, Error, Page};
use crate::json::{Object, Unreadable, without_nul};
use crate::model::{Change, Key, Kind, Reading};
use crate::provider::api::{NO_BODY, NewUser, Query, Question, Sought, USERS};

/// The entity belongs to another source, or to none.
pub(super) const OF_ANOTHER: Error = Error::LeftOut("its id does not begin with the `id_prefix`");
const IGNORED: Error = Error::LeftOut("it is an anonymous user");

/// The limit of pages to search for one entity.
const MOST_PAGES: usize = 200;

/// The API's answer about one entity.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
pub enum Found {
    /// It exists as of `fence`.
    Shown { reading: Reading, fence: Timestamp },
    /// It does not exist as of this moment.
    Missing(Timestamp),
}

/// The result of deleting a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// The API deleted it at this moment.
    Now(Timestamp),
    /// It did not exist as of this moment.
    Missing(Timestamp),
}

impl Client {
    pub async fn user(&self, id: &str) -> Result<Found, Error> {
        self.one(&Sought::user(id)).await
    }

    /// Fetches one entity. An entity without an address of its own is missing if the list that should contain it was
    /// read to its end and does not contain it.
    pub async fn one(&self, sought: &Sought) -> Result<Found, Error> {
        let own = self.rules.own(sought).ok_or(OF_ANOTHER)?;
        let Some(question) = (self.api.question)(&own) else {
            return Err(Error::NoQuestion);
        };
        match self.answer(&sought.key, &question).await {
            Err(error) => self.missing(sought.key.kind, error).await.map(Found::Missing),
            found => found,
        }
    }

    async fn answer(&self, key: &Key, question: &Question) -> Result<Found, Error> {
        let alone = match question {
            Question::Object(path) => Some((path, None)),
            Question::Within { path, field } => Some((path, Some(*field))),
            Question::Excerpt { .. } | Question::Whole => None,
        };
        if let Some((path, field)) = alone {
            let read = |answer: Answer| self.read_one(key.kind, field, &answer);
            let (reading, fence) = self.requests.get(&Asked::of(path), &read).await?;
            return Ok(Found::Shown { reading, fence });
        }
        let (mut cursor, mut fence) = (None, Timestamp::now());
        for _ in 0..MOST_PAGES {
            let page = self.page_of(key.kind, question, cursor.as_deref()).await?;
            fence = fence.min(page.fence);
            let mut readings = page.readings.into_iter();
            if let Some(reading) = readings.find(|reading| reading.change.key() == key) {
                return Ok(Found::Shown { reading, fence: page.fence });
            }
            if page.left_out.contains(&key.id) {
                return Err(IGNORED);
            }
            if page.unreadable > 0 || page.is_off {
                break;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(Found::Missing(fence));
            }
        }
        Err(Unreadable::Unexpected { field: "the list", expected: "whole" }.into())
    }

    async fn page_of(
        &self,
        kind: Kind,
        question: &Question,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let Question::Excerpt { path, only, query, body, page } = question else {
            return self.page(kind, None, cursor).await;
        };
        let query: Query = query(cursor).into_iter().chain(only.clone()).collect();
        let read = |answer: Answer| self.read_page(kind, *page, None, cursor, answer);
        self.requests.get(&Asked { path, query, body: *body }, &read).await
    }

    /// Creates a user. The request is not repeated if the provider may have carried it out.
    pub async fn create(&self, user: &NewUser) -> Result<Reading, Error> {
        let writes = self.api.writes.ok_or(Error::OnlyRead)?;
        let answer = self.requests.post(USERS, &(writes.new_user)(user)).await?;
        Ok(self.read_one(Kind::User, None, &answer)?.0)
    }

    /// Deletes a user. A page of a proxy or an application with status 200 does not count as the API's answer.
    pub async fn delete(&self, id: &str) -> Result<Removed, Error> {
        if self.api.writes.is_none() {
            return Err(Error::OnlyRead);
        }
        let own = self.rules.own(&Sought::user(id)).ok_or(OF_ANOTHER)?;
        let Some(Question::Object(path)) = (self.api.question)(&own) else {
            return Err(Error::NoQuestion);
        };
        match self.requests.delete(&path).await {
            Ok(Answer { body, fence, .. }) => {
                if !body.trim_ascii().is_empty() {
                    let text = std::str::from_utf8(&body).map_err(|_| Unreadable::NotUtf8)?;
                    Object::parse(text, "the answer")?;
                }
                Ok(Removed::Now(fence))
            }
            Err(error) => self.missing(Kind::User, error).await.map(Removed::Missing),
        }
    }

    /// A deletion, read from the API.
    pub fn gone(&self, key: Key, at: Timestamp) -> Reading {
        Reading { source: self.source.clone(), change: Change::Deleted { key, at } }
    }

    /// The moment as of which the entity does not exist. Only the API's own word counts, not any 404.
    async fn missing(&self, kind: Kind, error: Error) -> Result<Timestamp, Error> {
        let Error::Status { status: 404, code, is_empty, fence, .. } = &error else {
            return Err(error);
        };
        // A deletion cannot be in the future: the provider's clock is ahead.
        let fence = (*fence).min(Timestamp::now());
        let words = (self.api.missing)(kind);
        match code {
            Some(code) if words.iter().any(|word| code.eq_ignore_ascii_case(word)) => Ok(fence),
            Some(code) => Err(Error::NotUnderstood { code: code.clone() }),
            None if *is_empty && words.contains(&NO_BODY) && self.lists(kind).await => Ok(fence),
            None => Err(error),
        }
    }

    /// Whether the API's address and key are right, as the list of a kind shows.
    async fn lists(&self, kind: Kind) -> bool {
        self.page(kind, None, None).await.is_ok_and(|page| !page.is_off)
    }

    fn read_one(
        &self,
        kind: Kind,
        field: Option<&'static str>,
        Answer { body, fence, .. }: &Answer,
    ) -> Result<(Reading, Timestamp), Error> {
        let bytes = without_nul(body.clone());
        let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
        let whole = if kind == Kind::User { "the user" } else { "the answer" };
        let mut data = Object::parse(text, whole)?;
        if let Some(field) = field {
            data = data.object(field)?.ok_or(Unreadable::Missing { field })?;
        }
        let record = self.record(kind, &data, &bytes)?;
        if self.leaves_out(&record)? {
            return Err(IGNORED);
        }
        Ok((self.reading(record, *fence)?, *fence))
    }
}
