//! Clerk's Backend API: <https://clerk.com/docs/reference/backend-api>

use std::time::Duration;

use serde_json::{Value, json};

use crate::json::{self, Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, Denial, List, NewUser, Page, Query, Question, Rate,
    Sought, USERS, Writes, code,
};
use crate::provider::segment;

pub(super) const API: Api = Api {
    address: Address::Fixed("https://api.clerk.com/v1"),
    credentials: &[Credential {
        variable: "CLERK_SECRET_KEY",
        expected: "the instance's secret key (sk_live_… or sk_test_…)",
        names_instance: false,
    }],
    access: Access::Bearer,
    headers: &[],
    lists: &[
        List {
            kind: Kind::User,
            path: USERS,
            query: after_user,
            body: None,
            page: users,
            count: Some(("/users/count", "total_count")),
            is_off: None,
            narrow: None,
            volatile: &[],
            // A sign-in moves `updated_at`, too, and nothing else says that it was only a sign-in.
            moving: &["last_sign_in_at", "last_active_at", "updated_at", "last_used_at"],
            together: None,
        },
        List { query: by_creation, ..of_organizations(Kind::Organization, "/organizations") },
        of_organizations(Kind::Role, "/organization_roles"),
        of_organizations(Kind::Membership, "/organization_memberships"),
    ],
    question,
    rate,
    code,
    missing: |_| &["resource_not_found"],
    metadata: &["public_metadata", "private_metadata", "unsafe_metadata"],
    writes: Some(Writes { new_user, email_query: "email_address" }),
};

/// A list of the feature Organizations, which an instance may have switched off.
const fn of_organizations(kind: Kind, path: &'static str) -> List {
    List {
        kind,
        path,
        query: after_so_many,
        body: None,
        page: wrapped,
        count: None,
        is_off: Some(is_off),
        narrow: None,
        volatile: &[],
        // Every member who joins moves the counts, inside of each membership too.
        moving: &["last_active_at", "updated_at", "members_count", "pending_invitations_count"],
        together: None,
    }
}

/// Most entries that a page may hold; a shorter one is the last.
const PAGE: usize = 500;

/// The cursor works in the order of creation alone; in this direction new users join at the end of a walk.
fn after_user(cursor: Option<&str>) -> Query {
    let mut query = vec![("limit", PAGE.to_string()), ("order_by", "+created_at".to_owned())];
    query.extend(cursor.map(|cursor| ("starting_after", cursor.to_owned())));
    query
}

fn users<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let items = json::objects(answer.text, "the page")?;
    let last = items.last().filter(|_| items.len() >= PAGE);
    let next = last.map(|user| user.id("id")).transpose()?;
    Ok(Page { items, next, total: None })
}

/// These lists know no cursor: ours is how many entries come before the page.
fn after_so_many(cursor: Option<&str>) -> Query {
    let mut query = vec![("limit", PAGE.to_string())];
    query.extend(cursor.map(|cursor| ("offset", cursor.to_owned())));
    query
}

fn by_creation(cursor: Option<&str>) -> Query {
    let mut query = after_so_many(cursor);
    query.push(("order_by", "+created_at".to_owned()));
    query
}

/// `{data, total_count}`; a full page is never the last one, even if the count says so.
fn wrapped<'a>(answer: &Answer<'a>, cursor: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.has("data") {
        return Err(Unreadable::Missing { field: "data" });
    }
    let items = body.objects("data")?;
    let total = body.integer("total_count")?.and_then(|total| u64::try_from(total).ok());
    let before: u64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let so_far = before.saturating_add(items.len() as u64);
    let goes_on = total.is_some_and(|total| so_far < total) || items.len() >= PAGE;
    let next = (goes_on && !items.is_empty()).then(|| so_far.to_string());
    Ok(Page { items, next, total })
}

/// With Organizations switched off their list is not found; the others want to be paid for, or say it in their code.
fn is_off(denial: Denial, code: Option<&str>) -> bool {
    match denial {
        Denial::NotPaid => true,
        Denial::Upgrade | Denial::Gone => false,
        Denial::NotFound => code == Some("resource_not_found"),
        Denial::Refused => code.is_some_and(|code| code.ends_with("_not_enabled")),
    }
}

/// A membership has no address of its own, but its user has few. A role is asked for by the list.
fn question(Sought { key, user_id, .. }: &Sought) -> Option<Question> {
    Some(match key.kind {
        Kind::User => Question::Object(format!("{USERS}/{}", segment(&key.id))),
        Kind::Organization => Question::Object(format!("/organizations/{}", segment(&key.id))),
        Kind::Membership => Question::Excerpt {
            path: format!("{USERS}/{}/organization_memberships", segment(user_id.as_ref()?)),
            only: Vec::new(),
            query: after_so_many,
            body: None,
            page: wrapped,
        },
        Kind::Role => Question::Whole,
        _ => return None,
    })
}

/// <https://clerk.com/docs/guides/how-clerk-works/system-limits>
fn rate(key: &str) -> Option<Rate> {
    let requests = if key.starts_with("sk_live_") { 1000 } else { 100 };
    Some(Rate { requests, per: Duration::from_secs(10) })
}

fn new_user(user: &NewUser) -> Value {
    let (first, last) = match user.name.as_deref().map(|name| name.split_once(' ')) {
        Some(Some((first, last))) => (Some(first), Some(last)),
        Some(None) => (user.name.as_deref(), None),
        None => (None, None),
    };
    json!({
        "email_address": [user.email],
        "first_name": first,
        "last_name": last,
        "skip_password_requirement": true,
    })
}
