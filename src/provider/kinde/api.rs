//! Kinde's Management API: <https://docs.kinde.com/kinde-apis/management/>

use crate::json::{Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    self, Access, Address, Answer, Api, Credential, Exchange, List, Page, Query, Question, Sent,
    Sought, origin,
};

/// Members are listed for one organization only, so they are not read.
pub(super) const API: Api = Api {
    address: Address::OfTenant("https://TENANT.kinde.com"),
    credentials: &[
        Credential {
            variable: "KINDE_CLIENT_ID",
            expected: "the client id of a machine-to-machine application",
            names_instance: false,
        },
        Credential {
            variable: "KINDE_CLIENT_SECRET",
            expected: "the client secret of a machine-to-machine application with the scopes read:users, read:organizations and read:roles",
            names_instance: false,
        },
    ],
    access: Access::Exchange(Exchange {
        url: |api| format!("{}/oauth2/token", origin(api)),
        parameters: |api| vec![("audience", format!("{}/api", origin(api)))],
        sent: Sent::Form,
    }),
    headers: &[],
    lists: &[
        list(Kind::User, "/api/v1/users", users),
        list(Kind::Organization, "/api/v1/organizations", organizations),
        list(Kind::Role, "/api/v1/roles", roles),
    ],
    question,
    rate: |_| None,
    code: api::code,
    missing: |_| &[],
    metadata: &[],
    writes: None,
};

const fn list(kind: Kind, path: &'static str, page: api::PageOf) -> List {
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
        moving: &["last_signed_in", "total_sign_ins", "failed_sign_ins"],
        together: None,
    }
}

/// Most entries that a page may hold.
const PAGE: &str = "500";

fn after(cursor: Option<&str>) -> Query {
    let mut query = vec![("page_size", PAGE.to_owned())];
    query.extend(cursor.map(|cursor| ("next_token", cursor.to_owned())));
    query
}

fn users<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    page(answer, "users")
}

fn organizations<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    page(answer, "organizations")
}

fn roles<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    page(answer, "roles")
}

fn page<'a>(answer: &Answer<'a>, field: &'static str) -> Result<Page<'a>, Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.knows(field) {
        return Err(Unreadable::Missing { field });
    }
    Ok(Page { items: body.objects(field)?, next: body.filled("next_token")?, total: None })
}

/// The list narrowed to one user: Kinde does not document how it refuses an unknown one.
fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    match key.kind {
        Kind::User => Some(Question::Excerpt {
            path: "/api/v1/users".to_owned(),
            only: vec![("user_id", key.id.clone())],
            query: after,
            body: None,
            page: users,
        }),
        Kind::Organization | Kind::Role => Some(Question::Whole),
        _ => None,
    }
}
