//! Supabase's Auth API: <https://github.com/supabase/auth/blob/master/internal/api/admin.go>

use crate::json::{Object, Unreadable};
use crate::model::Kind;
use crate::provider::api::{
    Access, Address, Answer, Api, Credential, List, Page, Query, Question, Sought, code,
};
use crate::provider::segment;

pub(super) const API: Api = Api {
    address: Address::OfTenant("https://PROJECT.supabase.co/auth/v1"),
    credentials: &[Credential {
        variable: "SUPABASE_SERVICE_ROLE_KEY",
        expected: "the secret key of the project (service_role)",
        names_instance: false,
    }],
    access: Access::Headers(&[("apikey", ""), ("authorization", "Bearer ")]),
    // Since this version an error has its name in `code`, where its status was.
    headers: &[("x-supabase-api-version", "2024-01-01")],
    lists: &[List {
        kind: Kind::User,
        path: USERS,
        query: numbered,
        body: None,
        page,
        count: None,
        is_off: None,
        narrow: None,
        volatile: &[],
        // A sign-in moves `updated_at`, too, and so does the request for a code.
        moving: &["last_sign_in_at", "updated_at", "recovery_sent_at", "reauthentication_sent_at"],
        together: None,
    }],
    question,
    rate: |_| None,
    code,
    missing: |_| &["user_not_found"],
    metadata: &["app_metadata", "user_metadata"],
    writes: None,
};

const USERS: &str = "/admin/users";

/// In this direction new users join at the end of a walk.
fn numbered(cursor: Option<&str>) -> Query {
    let page = cursor.unwrap_or("1").to_owned();
    vec![("page", page), ("per_page", "500".to_owned()), ("sort", "created_at asc".to_owned())]
}

fn page<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let body = Object::parse(answer.text, "the page")?;
    if !body.has("users") {
        return Err(Unreadable::Missing { field: "users" });
    }
    let (next, total) = (answer.linked("page")?, answer.number("x-total-count"));
    Ok(Page { items: body.objects("users")?, next, total })
}

fn question(Sought { key, .. }: &Sought) -> Option<Question> {
    let is_user = key.kind == Kind::User;
    is_user.then(|| Question::Object(format!("{USERS}/{}", segment(&key.id))))
}
