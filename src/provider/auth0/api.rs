//! Auth0's Management API: <https://auth0.com/docs/api/management/v2>

use std::time::Duration;

use crate::json::{Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, Exchange, List, Page, Query, Question, Rate, Sent,
    Sought, USERS, origin,
};
use crate::provider::segment;

/// Organizations and members have no version there, so only users are read.
pub(super) const API: Api = Api {
    address: Address::OfTenant("https://TENANT.eu.auth0.com/api/v2"),
    credentials: &[
        Credential {
            variable: "AUTH0_CLIENT_ID",
            expected: "the client id of a machine-to-machine application",
            names_instance: false,
        },
        Credential {
            variable: "AUTH0_CLIENT_SECRET",
            expected: "the client secret of a machine-to-machine application with the scope read:users",
            names_instance: false,
        },
    ],
    access: Access::Exchange(Exchange {
        url: |api| format!("{}/oauth/token", origin(api)),
        parameters: |api| vec![("audience", format!("{}/api/v2/", origin(api)))],
        sent: Sent::Form,
    }),
    headers: &[],
    lists: &[List {
        kind: Kind::User,
        path: USERS,
        query,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        moving: &["last_login", "last_ip", "logins_count", "updated_at"],
        together: None,
    }],
    question,
    rate,
    code: |error| error.filled("errorCode").ok().flatten(),
    missing: |_| &["inexistent_user"],
    metadata: &["app_metadata", "user_metadata"],
    writes: None,
};

/// The public cloud allows no more.
const PAGE: u64 = 50;

/// The list ends after a thousand users; its total then says that it is not whole.
fn query(cursor: Option<&str>) -> Query {
    vec![
        ("per_page", PAGE.to_string()),
        ("page", cursor.unwrap_or("0").to_owned()),
        ("include_totals", "true".to_owned()),
        ("sort", "created_at:1".to_owned()),
    ]
}

/// `{start, length, total, users}`
fn page<'a>(answer: &Answer<'a>, cursor: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.has("users") {
        return Err(Unreadable::Missing { field: "users" });
    }
    let items = body.objects("users")?;
    let total = body.integer("total")?.and_then(|total| u64::try_from(total).ok());
    let number: u64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let goes_on = total.is_none_or(|total| (number + 1) * PAGE < total);
    let next = (goes_on && !items.is_empty()).then(|| (number + 1).to_string());
    Ok(Page { items, next, total })
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    match key.kind {
        Kind::User => Some(Question::Object(format!("{USERS}/{}", segment(&key.id)))),
        _ => None,
    }
}

/// <https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy>: the smallest plan's.
fn rate(_: &str) -> Option<Rate> {
    Some(Rate { requests: 120, per: Duration::from_secs(60) })
}
