//! Okta's management API: <https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/>
//!
//! The members of a group are listed for one group only, so their list is not read.

use crate::json::{self, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, List, Page, Query, Question, Sought, USERS,
};
use crate::provider::segment;

pub(super) const API: Api = Api {
    address: Address::OfTenant("https://acme.okta.com/api/v1"),
    credentials: &[Credential {
        variable: "OKTA_API_TOKEN",
        expected: "an API token of an administrator who may read users and groups",
        names_instance: false,
    }],
    access: Access::Headers(&[("authorization", "SSWS ")]),
    headers: &[],
    lists: &[
        List {
            query: users,
            // Okta does not say whether a sign-in moves `lastUpdated`, too.
            moving: &["lastLogin", "lastUpdated"],
            ..list(Kind::User, USERS)
        },
        List {
            // A member who joins moves both.
            moving: &["lastMembershipUpdated", "lastUpdated"],
            ..list(Kind::Organization, GROUPS)
        },
    ],
    question,
    rate: |_| None,
    code: |error| error.filled("errorCode").ok().flatten(),
    missing: |_| &["E0000007"],
    metadata: &[],
    writes: None,
};

const GROUPS: &str = "/groups";

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
        moving: &[],
        together: None,
    }
}

fn after(cursor: Option<&str>) -> Query {
    let mut query = vec![("limit", "200".to_owned())];
    query.extend(cursor.map(|cursor| ("after", cursor.to_owned())));
    query
}

/// Without the filter the list leaves out deactivated users, and they would seem to be gone.
fn users(cursor: Option<&str>) -> Query {
    let mut query = after(cursor);
    query.push(("filter", r#"lastUpdated gt "1970-01-01T00:00:00.000Z""#.to_owned()));
    query
}

/// <https://developer.okta.com/docs/reference/core-okta-api/#link-header>
fn page<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let items = json::objects(answer.text, "the page")?;
    Ok(Page { items, next: answer.linked("after")?, total: None })
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let list = match key.kind {
        Kind::User => USERS,
        Kind::Organization => GROUPS,
        _ => return None,
    };
    Some(Question::Object(format!("{list}/{}", segment(&key.id))))
}
