//! Ory's identity API: <https://www.ory.com/docs/reference/api#tag/identity>

use crate::json::{self, Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, List, Page, Query, Question, Sought,
};
use crate::provider::segment;

pub(super) const API: Api = Api {
    address: Address::OfTenant("https://SLUG.projects.oryapis.com"),
    credentials: &[Credential {
        variable: "ORY_API_KEY",
        expected: "an API key of the project, or any text if a Kratos of your own asks for none",
        names_instance: false,
    }],
    access: Access::Bearer,
    headers: &[],
    lists: &[List {
        kind: Kind::User,
        path: IDENTITIES,
        query: after,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        // The API alone shows them.
        moving: &["credentials", "metadata_admin"],
        together: None,
    }],
    question,
    rate: |_| None,
    code,
    missing: |_| &[NOT_FOUND],
    metadata: &["traits", "metadata_public"],
    writes: None,
};

const IDENTITIES: &str = "/admin/identities";

/// Our name of an error that has none.
const NOT_FOUND: &str = "identity_not_found";

fn after(cursor: Option<&str>) -> Query {
    let mut query = vec![("page_size", "250".to_owned())];
    query.extend(cursor.map(|cursor| ("page_token", cursor.to_owned())));
    query
}

/// <https://www.ory.com/docs/guides/pagination>
fn page<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let items = json::objects(answer.text, "the page")?;
    Ok(Page { items, next: answer.linked("page_token")?, total: None })
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let is_user = key.kind == Kind::User;
    is_user.then(|| Question::Object(format!("{IDENTITIES}/{}", segment(&key.id))))
}

/// Only the message distinguishes an identity that does not exist from an address that does not.
fn code(error: &Object<'_>) -> Option<String> {
    let error = error.object("error").ok()??;
    let is_missing = error.filled("message").ok()?? == "Unable to locate the resource";
    is_missing.then(|| NOT_FOUND.to_owned())
}
