//! The pages of single entities.

use askama::Template;

use super::super::members::{GrantLine, Members};
use super::{Body, BodyShown, Line};
use crate::db::entities::{self as db, Value};
use crate::model::Key;

#[derive(Template)]
#[template(path = "admin/user.html")]
pub(in crate::http::admin) struct User {
    pub(in crate::http::admin) csrf: String,
    pub(in crate::http::admin) id: String,
    pub(in crate::http::admin) known: Option<db::Entity>,
    pub(in crate::http::admin) body: Option<Body>,
    pub(in crate::http::admin) members: Members,
    pub(in crate::http::admin) grants: Vec<GrantLine>,
    pub(in crate::http::admin) doubts: Vec<Doubt>,
    /// Why it cannot be fetched.
    pub(in crate::http::admin) cannot_fetch: Option<String>,
    /// Whether the fetch succeeded, and the message.
    pub(in crate::http::admin) synced: Option<(bool, &'static str)>,
    pub(in crate::http::admin) rows: Vec<Line>,
    pub(in crate::http::admin) next: Option<String>,
}

impl User {
    /// The text in a column of the row.
    fn shown(&self, column: &str) -> &str {
        let known = self.known.as_ref();
        let value = known.and_then(|known| known.columns().find(|(of, _)| of.name == column));
        match value {
            Some((_, Value::Text(Some(text)))) => text,
            _ => "null",
        }
    }
}

#[derive(Template)]
#[template(path = "admin/entity.html")]
pub(in crate::http::admin) struct Entity {
    pub(in crate::http::admin) csrf: String,
    pub(in crate::http::admin) key: Key,
    pub(in crate::http::admin) known: Option<db::Entity>,
    pub(in crate::http::admin) fields: Vec<Field>,
    pub(in crate::http::admin) body: Option<Body>,
    /// `None` for kinds without members.
    pub(in crate::http::admin) members: Option<Members>,
    pub(in crate::http::admin) rows: Vec<Line>,
    pub(in crate::http::admin) next: Option<String>,
}

impl Entity {
    /// The kind as a title.
    fn title(&self) -> String {
        let (first, rest) = self.key.kind.as_str().split_at(1);
        first.to_ascii_uppercase() + rest
    }
}

/// One column of a mirror.
pub(in crate::http::admin) struct Field {
    pub(in crate::http::admin) name: &'static str,
    pub(in crate::http::admin) text: Option<String>,
    /// The page of the entity that it refers to.
    pub(in crate::http::admin) href: Option<String>,
}

/// Why a row may be stale, with a link to the cause.
pub(in crate::http::admin) struct Doubt {
    pub(in crate::http::admin) href: String,
    pub(in crate::http::admin) text: String,
    pub(in crate::http::admin) past: bool,
}
