//! WorkOS's API: <https://workos.com/docs/reference>

use std::time::Duration;

use crate::json::{Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    self, Access, Address, Answer, Api, Credential, Denial, List, Page, Query, Question, Rate,
    Sought,
};
use crate::provider::log::{Log, LogPage};
use crate::provider::segment;

const USERS: &str = "/user_management/users";
const MEMBERSHIPS: &str = "/user_management/organization_memberships";

/// Memberships are listed for one user or one organization only, so a backfill does not read them.
pub(super) const API: Api = Api {
    address: Address::Fixed("https://api.workos.com"),
    credentials: &[Credential {
        variable: "WORKOS_API_KEY",
        expected: "the environment's API key (sk_…)",
        names_instance: false,
    }],
    access: Access::Bearer,
    headers: &[],
    lists: &[
        list(Kind::User, USERS),
        list(Kind::Organization, "/organizations"),
        List {
            query: |_| Vec::new(),
            page: whole,
            is_off: Some(is_off),
            ..list(Kind::Role, "/authorization/roles")
        },
    ],
    question,
    rate,
    code: api::code,
    // <https://workos.com/docs/reference/errors>
    missing: |_| &["entity_not_found", "not_found"],
    metadata: &["metadata"],
    writes: None,
};

/// <https://workos.com/docs/events/data-syncing/events-api>
pub(super) const LOG: Log = Log { path: "/events", query: after_event, page: events, is_lost };

const fn list(kind: Kind, path: &'static str) -> List {
    List {
        kind,
        path,
        query: after,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        moving: &["last_sign_in_at", "updated_at"],
        together: None,
    }
}

/// Most entries that a page may hold.
const PAGE: usize = 100;

/// In the order of creation, so that new ones join at the end of a walk.
fn after(cursor: Option<&str>) -> Query {
    let mut query = vec![("limit", PAGE.to_string()), ("order", "asc".to_owned())];
    query.extend(cursor.map(|cursor| ("after", cursor.to_owned())));
    query
}

/// `{data, list_metadata: {after}}`
fn page<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let (items, body) = entries(answer)?;
    let metadata = body.object("list_metadata")?;
    let next = metadata.map(|metadata| metadata.filled("after")).transpose()?.flatten();
    Ok(Page { items, next, total: None })
}

/// The list of roles has no pages.
fn whole<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let (items, _) = entries(answer)?;
    Ok(Page { items, next: None, total: None })
}

fn entries<'a>(answer: &Answer<'a>) -> Result<(Vec<Object<'a>>, Object<'a>), Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.has("data") {
        return Err(Unreadable::Missing { field: "data" });
    }
    Ok((body.objects("data")?, body))
}

/// Without the feature its list is forbidden.
fn is_off(denial: Denial, _: Option<&str>) -> bool {
    matches!(denial, Denial::Refused | Denial::NotPaid)
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let id = segment(&key.id);
    Some(match key.kind {
        Kind::User => Question::Object(format!("{USERS}/{id}")),
        Kind::Organization => Question::Object(format!("/organizations/{id}")),
        Kind::Membership => Question::Object(format!("{MEMBERSHIPS}/{id}")),
        // One of an organization has another list.
        Kind::Role if !key.id.contains('/') => Question::Whole,
        Kind::Role | Kind::Grant => return None,
    })
}

/// <https://workos.com/docs/reference/rate-limits>
fn rate(_: &str) -> Option<Rate> {
    Some(Rate { requests: 1000, per: Duration::from_secs(10) })
}

/// The cursor is the id of an event; without one the log begins thirty days ago.
fn after_event(names: &[&str], cursor: Option<&str>) -> Query {
    let mut query = after(cursor);
    query.push(("events", names.join(",")));
    query
}

fn events<'a>(answer: &Answer<'a>) -> Result<LogPage<'a>, Unreadable> {
    let (events, _) = entries(answer)?;
    // The last page names no cursor.
    let cursor = events.last().map(|event| event.id("id")).transpose()?;
    Ok(LogPage { events, cursor })
}

/// WorkOS does not say how it refuses an event that is older than its log; the request has no other part that can be wrong.
fn is_lost(denial: Denial, _: Option<&str>) -> bool {
    matches!(denial, Denial::NotFound | Denial::Gone | Denial::Refused)
}
