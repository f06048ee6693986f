//! What there is to know of a provider's API, as data: where it is, who may ask, how it pages and how often it may be asked.

use std::time::Duration;

use serde_json::Value;

use crate::json::{Object, Unreadable};

#[derive(Clone, Copy)]
pub struct Api {
    /// Where it is, unless the configuration says otherwise; `/users` and `/users/{id}` are below it.
    pub url: &'static str,
    /// Every one is needed; the last is the key.
    pub credentials: &'static [Credential],
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The query of the page after a cursor, or of the first one.
    pub page_query: fn(Option<&str>) -> Vec<(&'static str, String)>,
    /// Where the number of users is told, and in which field.
    pub count: Option<(&'static str, &'static str)>,
    pub page: for<'a> fn(&'a str) -> Result<Page<'a>, Unreadable>,
    /// How often the API may be asked with this key.
    pub rate: fn(&str) -> Option<Rate>,
    /// The parameter that narrows the list to the users with an e-mail address; others may come with them.
    pub email_query: &'static str,
    /// What the body of a 404 says where the user is gone, in capitals or not. A 404 without a word is a wrong address.
    pub missing: &'static str,
    /// Fields of a user that change without a change of the user: not worth a write.
    pub volatile: &'static [&'static str],
    /// Fields that every sign-in moves, at any depth outside of the metadata: written, but no drift.
    pub moving: &'static [&'static str],
    /// Fields that hold what the application likes.
    pub metadata: &'static [&'static str],
    /// The body that creates a user.
    pub new_user: fn(&NewUser) -> Value,
}

/// A variable whose value goes into a header.
pub struct Credential {
    pub variable: &'static str,
    pub header: &'static str,
    pub prefix: &'static str,
    pub expected: &'static str,
    /// Whether its value names the instance or project.
    pub names_instance: bool,
}

/// One page of a list of users.
pub struct Page<'a> {
    pub users: Vec<Object<'a>>,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<String>,
}

/// At most so many requests in any such time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
}

/// A user to be created at the provider.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NewUser {
    pub email: String,
    pub name: Option<String>,
}

/// Such fields of every provider.
pub fn fields_of_all(of: fn(&Api) -> &'static [&'static str]) -> Vec<&'static str> {
    super::ALL.into_iter().flat_map(|provider| of(&provider.api)).copied().collect()
}
