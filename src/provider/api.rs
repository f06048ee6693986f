//! A provider's API as data: its address, its credentials, its lists and its rate limit.

use std::time::Duration;

use serde_json::Value;

use crate::json::{Object, Unreadable};
use crate::model::{Key, Kind, Record};

#[derive(Clone, Copy)]
pub struct Api {
    /// The address unless the configuration sets another; every path is below it.
    pub url: &'static str,
    /// All of them are required; the last is the key.
    pub credentials: &'static [Credential],
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The lists in the order in which a backfill reads them: users and organizations first, then what connects them. The
    /// lists of one kind are neighbours.
    pub lists: &'static [List],
    /// The request for one entity; `None` if we know too little about the entity to ask.
    pub question: fn(&Sought) -> Option<Question>,
    /// How often the API may be called with this key.
    pub rate: fn(&str) -> Option<Rate>,
    /// The parameter that narrows the list to the users with an e-mail address; the answer may contain other users
    /// too.
    pub email_query: &'static str,
    /// What the body of a 404 says if an entity of this kind, or an entity that it connects, is gone, case-insensitively. A 404
    /// without such a word means a wrong address.
    pub missing: fn(Kind) -> &'static [&'static str],
    /// Fields whose content the application chooses.
    pub metadata: &'static [&'static str],
    /// The body that creates a user, below [`USERS`].
    pub new_user: fn(&NewUser) -> Value,
}

/// No API at all.
pub(super) const NONE: Api = Api {
    url: "",
    credentials: &[],
    headers: &[],
    lists: &[],
    question: |_| None,
    rate: |_| None,
    email_query: "",
    missing: |_| &[],
    metadata: &[],
    new_user: |_| Value::Null,
};

/// The path at which users are listed and created; the path of one user is below it.
pub const USERS: &str = "/users";

/// The parameters of a request.
pub type Query = Vec<(&'static str, String)>;

/// A list of entities of one kind.
pub struct List {
    pub kind: Kind,
    pub path: &'static str,
    /// The query of the page after a cursor, or of the first one.
    pub query: fn(Option<&str>) -> Query,
    /// Reads the page after a cursor, or the first one.
    pub page: PageOf,
    /// The path and the field of the API's count, if the pages do not contain it.
    pub count: Option<(&'static str, &'static str)>,
    /// Whether a refusal with this code means that the instance lacks this list: it proves nothing about what the
    /// tables have. `None` if every instance has it.
    pub is_off: Option<IsOff>,
    /// The parameter that narrows the list to one organization.
    pub narrow: Option<&'static str>,
    /// Fields that change without a change of the entity: not worth a write.
    pub volatile: &'static [&'static str],
    /// Fields that move without a change of the entity, at any depth outside of the metadata: written, but no drift.
    pub moving: &'static [&'static str],
    /// Adds to the records of a whole list what each of them says only together with the others.
    pub together: Option<fn(&mut [Record])>,
}

pub type IsOff = fn(Denial, Option<&str>) -> bool;

/// In which way an API refuses a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    NotFound,
    /// The plan of the instance does not include it.
    NotPaid,
    /// The request is bad, or forbidden.
    Refused,
}

pub type PageOf = for<'a> fn(&'a str, Option<&str>) -> Result<Page<'a>, Unreadable>;

/// A variable whose value goes into a header.
pub struct Credential {
    pub variable: &'static str,
    pub header: &'static str,
    pub prefix: &'static str,
    pub expected: &'static str,
    /// Whether its value names the instance or project.
    pub names_instance: bool,
}

/// One page of a list.
pub struct Page<'a> {
    pub items: Vec<Object<'a>>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
    /// The number of entries in the whole list, if the page contains it.
    pub total: Option<u64>,
}

/// An entity that an API is to be asked for, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    pub key: Key,
    /// The user that it ties.
    pub user_id: Option<String>,
    /// The organization that it ties.
    pub organization_id: Option<String>,
}

impl Sought {
    pub fn user(id: &str) -> Self {
        Self::only(Key::user(id))
    }

    /// Nothing else is known.
    pub fn only(key: Key) -> Self {
        Self { key, user_id: None, organization_id: None }
    }

    pub fn of(record: &Record) -> Self {
        let (user_id, organization_id) = record.ties();
        let (user_id, organization_id) =
            (user_id.map(str::to_owned), organization_id.map(str::to_owned));
        Self { key: record.key.clone(), user_id, organization_id }
    }
}

/// How an API is asked for one entity.
pub enum Question {
    /// At its own address: its object, or a 404 in the API's words.
    Object(String),
    /// A short list that has it or not: the path, the parameters of each page beside its cursor, and how a page is read.
    Excerpt { path: String, only: Query, query: fn(Option<&str>) -> Query, page: PageOf },
    /// The lists of its kind, as a whole.
    Whole,
}

/// The greatest number of requests in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
}

/// A user to create at the provider.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
}

impl Api {
    /// The kinds that it lists, in the order in which a backfill reads them.
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds: Vec<_> = self.lists.iter().map(|list| list.kind).collect();
        kinds.dedup();
        kinds
    }

    /// The lists of one kind; with `narrow`, those that can be narrowed to an organization.
    pub fn lists_of(&self, kind: Kind, narrow: bool) -> Vec<&'static List> {
        let is_meant = |list: &&List| list.kind == kind && (!narrow || list.narrow.is_some());
        self.lists.iter().filter(is_meant).collect()
    }

    /// The kinds whose lists can be narrowed to an organization.
    pub fn kinds_of_organizations(&self) -> Vec<Kind> {
        let mut kinds = self.kinds();
        kinds.retain(|kind| !self.lists_of(*kind, true).is_empty());
        kinds
    }

    /// Whether one entity of this kind is complete without the others of its list.
    pub fn stands_alone(&self, kind: Kind) -> bool {
        self.lists_of(kind, false).iter().all(|list| list.together.is_none())
    }
}

/// The fields that `of` returns, collected from every provider's lists of one kind.
pub fn fields_of_all(kind: Kind, of: fn(&List) -> &'static [&'static str]) -> Vec<&'static str> {
    let lists = super::ALL.into_iter().flat_map(|provider| provider.api.lists_of(kind, false));
    lists.flat_map(of).copied().collect()
}

/// The metadata fields of every provider.
pub fn metadata_of_all() -> Vec<&'static str> {
    super::ALL.into_iter().flat_map(|provider| provider.api.metadata).copied().collect()
}
