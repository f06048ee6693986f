//! Logto's Management API: <https://openapi.logto.io/>
//!
//! The members of an organization are listed for one organization only, and an entry there does not name it, so their list is
//! not read.

use crate::json::{self, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, Exchange, List, Page, Query, Question, Sent, Sought,
    USERS, code, origin,
};
use crate::provider::segment;

pub(super) const API: Api = Api {
    address: Address::OfTenant("https://TENANT.logto.app/api"),
    credentials: &[
        Credential {
            variable: "LOGTO_APP_ID",
            expected: "the id of a machine-to-machine application",
            names_instance: false,
        },
        Credential {
            variable: "LOGTO_APP_SECRET",
            expected: "the secret of that application",
            names_instance: false,
        },
    ],
    access: Access::Exchange(Exchange {
        url: |api| format!("{}/oidc/token", origin(api)),
        parameters: |api| vec![("resource", resource(api)), ("scope", "all".to_owned())],
        sent: Sent::Basic,
    }),
    headers: &[],
    lists: &[
        List {
            // A sign-in moves both, and no event says so.
            moving: &["lastSignInAt", "updatedAt"],
            ..list(Kind::User, USERS)
        },
        list(Kind::Organization, ORGANIZATIONS),
        list(Kind::Role, "/organization-roles"),
    ],
    question,
    rate: |_| None,
    code,
    missing: |_| &["entity.not_found"],
    metadata: &["customData"],
    writes: None,
};

const ORGANIZATIONS: &str = "/organizations";

/// The API under the name by which tokens are issued: that of a self-hosted Logto is always the same.
fn resource(api: &str) -> String {
    if origin(api).ends_with(".logto.app") {
        return api.to_owned();
    }
    "https://default.logto.app/api".to_owned()
}

const fn list(kind: Kind, path: &'static str) -> List {
    List {
        kind,
        path,
        query: numbered,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        moving: &[],
        together: None,
    }
}

/// Most entries that a page may hold; a shorter one is the last.
const PAGE: usize = 100;

fn numbered(cursor: Option<&str>) -> Query {
    vec![("page", cursor.unwrap_or("1").to_owned()), ("page_size", PAGE.to_string())]
}

/// The API may not count beyond a limit, so a full page is never the last.
fn page<'a>(answer: &Answer<'a>, cursor: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let items = json::objects(answer.text, "the page")?;
    let page: u64 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
    let next = (items.len() >= PAGE).then(|| page.saturating_add(1).to_string());
    Ok(Page { items, next, total: answer.number("total-number") })
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let list = match key.kind {
        Kind::User => USERS,
        Kind::Organization => ORGANIZATIONS,
        Kind::Role => return Some(Question::Whole),
        _ => return None,
    };
    Some(Question::Object(format!("{list}/{}", segment(&key.id))))
}
