//! A provider's API as data: its address, its credentials, its lists and its rate limit.
//!
//! An adapter describes its API with one `Api` and small functions without I/O. The vendor's words stay in the adapter; the
//! client knows how to wait, retry, page and hide secrets. One example of each sort:
//!
//! ```
//! use users_sync::json::{self, Unreadable};
//! use users_sync::provider::api::*;
//!
//! // One address for everyone, or one for each tenant, which `<PROVIDER>_API_URL` must hold.
//! const FIXED: Address = Address::Fixed("https://api.example.com/v1");
//! const OWN: Address = Address::OfTenant("https://TENANT.example.com/api/v1");
//!
//! // A static key is simplest for the operator; a token is for vendors that have nothing else.
//! const KEY: Access = Access::Headers(&[("authorization", "SSWS ")]);
//! const PROJECT_AND_SECRET: Access = Access::Basic;
//! const PROJECT_AND_KEY: Access = Access::Bearer; // Bearer project:key
//! const TOKEN: Access = Access::Exchange(Exchange {
//!     url: |api| format!("{}/oauth/token", origin(api)),
//!     parameters: |api| vec![("audience", format!("{api}/"))],
//!     sent: Sent::Form,
//! });
//!
//! // The next page is in a `Link` header; or its place is a count of entries, or a cursor in the body.
//! fn linked<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
//!     let items = json::objects(answer.text, "the page")?;
//!     Ok(Page { items, next: answer.linked("after")?, total: answer.number("x-total-count") })
//! }
//! fn counted<'a>(answer: &Answer<'a>, cursor: Option<&str>) -> Result<Page<'a>, Unreadable> {
//!     let items = json::objects(answer.text, "the page")?;
//!     let before: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
//!     let next = (items.len() >= 100).then(|| (before + items.len()).to_string());
//!     Ok(Page { items, next, total: None })
//! }
//!
//! // A list that is read by POST writes its parameters as a body.
//! const SEARCH: BodyOf = |query| {
//!     serde_json::json!({ "query": { "offset": parameter(query, "offset"), "limit": 100 } })
//! };
//!
//! // One entity: at its own address, or within the answer there; or a `Question::Excerpt` of a list that has it or not. An
//! // adapter escapes the id with `segment`.
//! fn question(sought: &Sought) -> Option<Question> {
//!     let path = format!("/user?id={}", sought.key.id);
//!     Some(Question::Within { path, field: "user" })
//! }
//!
//! // The name of an error, from its shape if it has none. A 404 counts only with a name that `missing` has; `NO_BODY` there
//! // is for a vendor whose 404 is empty.
//! const CODE: fn(&json::Object<'_>) -> Option<String> = |error| {
//!     let says = error.filled("error").ok().flatten()?;
//!     Some(if says == "User not found" { "user_not_found".into() } else { says })
//! };
//! ```

mod access;
mod answer;

use std::time::Duration;

use serde_json::Value;

use crate::json::Object;
use crate::model::{Key, Kind, Record};

pub use access::{Access, Address, Credential, Exchange, Sent, origin};
pub use answer::{Answer, Page, PageOf, code};

#[derive(Clone, Copy)]
pub struct Api {
    pub address: Address,
    /// All of them are required; the last is the key.
    pub credentials: &'static [Credential],
    pub access: Access,
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The lists in the order in which a backfill reads them: users and organizations first, then what connects them. The
    /// lists of one kind are neighbours.
    pub lists: &'static [List],
    /// The request for one entity; `None` if we know too little about the entity to ask.
    pub question: fn(&Sought) -> Option<Question>,
    /// How often the API may be called with this key.
    pub rate: fn(&str) -> Option<Rate>,
    /// The name of an error in its answer, such as [`code`]; an API without names gets ours for the errors whose shape is
    /// known. Only letters, digits, `_`, `-` and `.` count as a name.
    pub code: fn(&Object<'_>) -> Option<String>,
    /// The names of the errors of a 404 if an entity of this kind, or an entity that it connects, is gone, case-insensitively.
    /// A 404 without such a name means a wrong address.
    pub missing: fn(Kind) -> &'static [&'static str],
    /// Fields whose content the application chooses.
    pub metadata: &'static [&'static str],
    /// `None` if users-sync only reads.
    pub writes: Option<Writes>,
}

/// How users are created, below [`USERS`]. They are deleted at their own address.
#[derive(Clone, Copy)]
pub struct Writes {
    /// The body that creates a user.
    pub new_user: fn(&NewUser) -> Value,
    /// The parameter that narrows the list to the users with an e-mail address; the answer may contain other users
    /// too.
    pub email_query: &'static str,
}

/// The path at which users are created and, usually, listed; the path of one user is below it.
pub const USERS: &str = "/users";

/// In [`Api::missing`]: a 404 without a body. It counts if the API shows the list of the kind at the same moment.
pub const NO_BODY: &str = "";

/// The parameters of a request.
pub type Query = Vec<Parameter>;

pub type Parameter = (&'static str, String);

/// The value of a parameter.
pub fn parameter<'a>(query: &'a [Parameter], name: &str) -> Option<&'a str> {
    query.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
}

/// The JSON body that asks for a page, from what would be the parameters of a GET.
pub type BodyOf = fn(&[Parameter]) -> Value;

/// A list of entities of one kind.
pub struct List {
    pub kind: Kind,
    pub path: &'static str,
    /// The query of the page after a cursor, or of the first one.
    pub query: fn(Option<&str>) -> Query,
    /// `None` for a GET; else the list is read by a POST of this body.
    pub body: Option<BodyOf>,
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
    /// What is asked for existed, and is gone for ever.
    Gone,
    /// It wants to be upgraded.
    Upgrade,
    /// The request is bad, or forbidden.
    Refused,
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
    /// As [`Self::Object`], in this field of the answer.
    Within { path: String, field: &'static str },
    /// A short list that has it or not: the path, the parameters of each page beside its cursor, and how a page is
    /// requested and read.
    Excerpt {
        path: String,
        only: Query,
        query: fn(Option<&str>) -> Query,
        body: Option<BodyOf>,
        page: PageOf,
    },
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
    /// The variables of its credentials.
    pub fn variables(&self) -> String {
        let variables: Vec<_> = self.credentials.iter().map(|one| one.variable).collect();
        variables.join(" and ")
    }

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

/// The APIs of all providers that have one.
fn all() -> impl Iterator<Item = &'static Api> {
    super::ALL.into_iter().filter_map(|provider| provider.api.as_ref())
}

/// The fields that `of` returns, collected from every provider's lists of one kind.
pub fn fields_of_all(kind: Kind, of: fn(&List) -> &'static [&'static str]) -> Vec<&'static str> {
    all().flat_map(|api| api.lists_of(kind, false)).flat_map(of).copied().collect()
}

/// The metadata fields of every provider.
pub fn metadata_of_all() -> Vec<&'static str> {
    all().flat_map(|api| api.metadata).copied().collect()
}
