//! A provider's API as data: its address, its credentials, its pages and its rate limit.

use std::time::Duration;

use serde_json::Value;

use crate::json::{Object, Unreadable};

#[derive(Clone, Copy)]
pub struct Api {
    /// The address unless the configuration sets another; `/users` and `/users/{id}` are below it.
    pub url: &'static str,
    /// All of them are required; the last is the key.
    pub credentials: &'static [Credential],
    /// Sent with every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// The query of the page after a cursor, or of the first page.
    pub page_query: fn(Option<&str>) -> Vec<(&'static str, String)>,
    /// The path that returns the number of users, and the field that holds it.
    pub count: Option<(&'static str, &'static str)>,
    pub page: for<'a> fn(&'a str) -> Result<Page<'a>, Unreadable>,
    /// How often the API may be called with this key.
    pub rate: fn(&str) -> Option<Rate>,
    /// The parameter that narrows the list to the users with an e-mail address; the answer may contain other users
    /// too.
    pub email_query: &'static str,
    /// What the body of a 404 says if the user is gone, case-insensitively. A 404 without it means a wrong address.
    pub missing: &'static str,
    /// Fields of a user that change without a change of the user: not worth a write.
    pub volatile: &'static [&'static str],
    /// Fields that every sign-in changes, at any depth outside the metadata: they are written but are no drift.
    pub moving: &'static [&'static str],
    /// Fields whose content the application chooses.
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
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
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

/// The fields that `of` returns, collected from every provider.
pub fn fields_of_all(of: fn(&Api) -> &'static [&'static str]) -> Vec<&'static str> {
    super::ALL.into_iter().flat_map(|provider| of(&provider.api)).copied().collect()
}
