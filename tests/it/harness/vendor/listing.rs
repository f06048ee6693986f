//! How each vendor pages through its users, and creates a new one.

use serde_json::{Value, json};

use super::{Cursor, Desk};

type Refused = (u16, &'static str);

pub(super) fn page(
    provider: &str,
    desk: &Desk,
    query: &[(String, String)],
) -> Result<Value, Refused> {
    if let Some(pages) = &desk.pages {
        let cursor = query.iter().find(|(key, _)| key == "starting_after" || key == "cursor");
        return Ok(pages(&desk.users, cursor.map(|(_, value)| value.as_str())));
    }
    let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, v)| v.as_str());
    let limit = value("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
    let sought = value(if provider == "clerk" { "email_address" } else { "query" });
    let listed = desk.users.iter().filter(|user| !(desk.unlisted)(user));
    let listed = listed.filter(|user| sought.is_none_or(|sought| has(provider, user, sought)));
    if provider == "clerk" {
        if limit > 500 || value("order_by") != Some("+created_at") {
            return Err((422, "form_param_value_invalid"));
        }
        return clerk(&listed.collect::<Vec<_>>(), limit, value("starting_after"));
    }
    let shows = |name: &str| value(name) == Some("true");
    let onboarded = |user: &&Value| {
        (shows("include_anonymous") || user["is_anonymous"] != true)
            && (shows("include_restricted") || user["is_restricted"] != true)
    };
    if limit > 1000 {
        return Err((400, "SCHEMA_ERROR"));
    }
    let users: Vec<_> = listed.filter(onboarded).collect();
    Ok(stack(&users, limit.min(desk.page_cap), desk.cursor, value("cursor")))
}

/// Clerk searches for an address, Stack for words in addresses and names.
fn has(provider: &str, user: &Value, sought: &str) -> bool {
    if provider == "clerk" {
        let addresses = user["email_addresses"].as_array();
        return addresses.is_some_and(|all| all.iter().any(|one| one["email_address"] == sought));
    }
    let has = |field: &str| user[field].as_str().is_some_and(|text| text.contains(sought));
    has("primary_email") || has("display_name")
}

fn place(users: &[&Value], id: &str) -> Option<usize> {
    users.iter().position(|user| user["id"] == id)
}

fn clerk(users: &[&Value], limit: usize, after: Option<&str>) -> Result<Value, Refused> {
    let start = match after {
        None => 0,
        Some(id) => place(users, id).ok_or((404, "resource_not_found"))? + 1,
    };
    Ok(users.iter().skip(start).take(limit).copied().cloned().collect())
}

/// A cursor whose user is gone leads to an empty page, which looks like the last one.
fn stack(users: &[&Value], limit: usize, semantics: Cursor, cursor: Option<&str>) -> Value {
    let found = cursor.map_or(Some(None), |id| place(users, id).map(Some));
    let start = match (found, semantics) {
        (None, _) => users.len(),
        (Some(None), _) => 0,
        (Some(Some(place)), Cursor::FirstOfNextPage) => place,
        (Some(Some(place)), Cursor::LastOfThisPage) => place + 1,
    };
    let page: Vec<_> = users.iter().skip(start).take(limit).copied().collect();
    let next = match semantics {
        Cursor::FirstOfNextPage => users.get(start + limit).map(|user| &user["id"]),
        Cursor::LastOfThisPage if page.len() == limit => page.last().map(|user| &user["id"]),
        Cursor::LastOfThisPage => None,
    };
    json!({ "items": page, "is_paginated": true, "pagination": { "next_cursor": next } })
}

pub(super) fn created(provider: &str, number: usize, asked: &Value) -> Value {
    let (id, email, name) = if provider == "clerk" {
        let name = json!({ "first_name": asked["first_name"], "last_name": asked["last_name"] });
        (format!("user_made_{number}"), &asked["email_address"][0], name)
    } else {
        let name = json!({ "display_name": asked["display_name"] });
        (format!("made-{number}"), &asked["primary_email"], name)
    };
    let mut user = super::super::body(provider, "user.created", &id, &name)["data"].take();
    if provider == "clerk" {
        user["email_addresses"][0]["email_address"] = email.clone();
    } else {
        user["primary_email"] = email.clone();
    }
    user
}
