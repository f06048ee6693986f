//! Addresses of the pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::model::{Key, Kind};

pub(super) fn delivery(source: &str, id: &str) -> String {
    format!("/admin/deliveries/{}/{}", quoted(source), quoted(id))
}

pub(super) fn user(id: &str) -> String {
    format!("/admin/users?id={}", quoted(id))
}

/// The page of an entity.
pub(super) fn entity(kind: &str, id: &str) -> String {
    if kind == Kind::User.as_str() {
        return user(id);
    }
    format!("/admin/entities?kind={}&id={}", quoted(kind), quoted(id))
}

/// The route of a delivery with its whole body.
pub(super) fn delivery_api(source: &str, id: &str) -> String {
    format!("/api/deliveries/{}/{}", quoted(source), quoted(id))
}

/// The route of a user's whole row.
pub(super) fn user_api(id: &str) -> String {
    format!("/api/users/{}", quoted(id))
}

/// The route of an entity's whole row, if its kind has one.
pub(super) fn entity_api(key: &Key) -> Option<String> {
    match key.kind {
        Kind::User => Some(user_api(&key.id)),
        Kind::Organization => Some(format!("/api/organizations/{}", quoted(&key.id))),
        _ => None,
    }
}

/// With the fields that are filled in.
pub(super) fn query(path: &str, fields: &[(&str, &str)]) -> String {
    let filled = fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<_> = filled.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

/// The characters that stay unencoded in a segment of a path or a value of a query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn quoted(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, UNRESERVED)
}
