//! APIs of other sorts than those of our providers: what they list, and how.

use serde_json::{Value, json};
use users_sync::api::{Client, Error, Found, Walk};
use users_sync::json::{self, Object, Unreadable};
use users_sync::model::Kind;
use users_sync::provider::api::{
    Access, Address, Answer, Api, Credential, List, NO_BODY, NewUser, Page, Parameter, Query,
    Question, Sought, code, parameter,
};

use crate::harness::{Fake, Got, Reply, body, reply};

const fn credential(variable: &'static str) -> Credential {
    Credential { variable, expected: "a test's", names_instance: false }
}

/// It lists its users in pages that a `Link` header connects.
pub(super) const API: Api = Api {
    address: Address::OfTenant("https://TENANT.example.com/api"),
    credentials: &[credential("ID"), credential("SECRET")],
    access: Access::Bearer,
    headers: &[],
    lists: &[LINKED],
    question: |Sought { key, .. }| Some(Question::Object(format!("/users/{}", key.id))),
    rate: |_| None,
    code,
    missing: |_| &["user_not_found"],
    metadata: &[],
    writes: None,
};

const LINKED: List = List {
    kind: Kind::User,
    path: "/users",
    query: after,
    body: None,
    page: linked,
    count: None,
    is_off: None,
    narrow: None,
    volatile: &[],
    moving: &[],
    together: None,
};

fn after(cursor: Option<&str>) -> Query {
    let mut query = vec![("limit", "2".to_owned())];
    query.extend(cursor.map(|cursor| ("after", cursor.to_owned())));
    query
}

fn linked<'a>(answer: &Answer<'a>, _: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let (next, total) = (answer.linked("after")?, answer.number("x-total-count"));
    Ok(Page { items: json::objects(answer.text, "the page")?, next, total })
}

/// The place of the next page is the number of the entries before it.
fn numbered<'a>(answer: &Answer<'a>, cursor: Option<&str>) -> Result<Page<'a>, Unreadable> {
    let items = Object::parse(answer.text, "the page")?.objects("result")?;
    let before: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
    let next = (items.len() == 2).then(|| (before + items.len()).to_string());
    Ok(Page { items, next, total: None })
}

fn search(query: &[Parameter]) -> Value {
    json!({ "query": { "offset": parameter(query, "after"), "limit": 2 } })
}

pub(super) fn empty_page() -> Reply {
    reply(200, &json!([]))
}

fn user(id: &str) -> Value {
    body("clerk", "user.created", id, &json!({}))["data"].take()
}

async fn walk(client: &Client) -> Result<Vec<String>, Error> {
    let (mut walk, mut met) = (Walk::new(Kind::User), Vec::new());
    while let Some(page) = walk.next(client).await? {
        met.extend(page.readings.iter().map(|reading| reading.change.key().id.clone()));
    }
    Ok(met)
}

#[tokio::test]
async fn a_walk_follows_link_headers_but_never_to_another_host() {
    static LINKS: Api = API;
    let fake = Fake::new(|got, _| {
        let Some(cursor) = got.uri.split("after=").nth(1) else {
            let others = "</api/users?limit=2>; rel=\"self\", <https://a.example/?x=1,2>; title=\"a, b\"; rel=last";
            let next = "<http://evil.example:1/users?limit=2&after=c%201>; rel=\"next\"";
            let headers = vec![("link", others.to_owned()), ("link", next.to_owned())];
            return (200, headers, json!([user("user_1"), user("user_2")]).to_string());
        };
        assert_eq!(cursor, "c+1");
        reply(200, &json!([user("user_3")]))
    })
    .await;

    let met = walk(&fake.client(&LINKS)).await.expect("a walk");

    assert_eq!(met, ["user_1", "user_2", "user_3"]);
    assert_eq!(fake.got("/api/users").len(), 2);
}

#[tokio::test]
async fn a_link_without_its_parameter_does_not_end_a_list() {
    static LINKS: Api = API;
    let fake = Fake::new(|_, _| {
        let next = "<https://api.example.com/users?page=2>; rel=\"next\"".to_owned();
        (200, vec![("link", next)], json!([user("user_1")]).to_string())
    })
    .await;

    let error = walk(&fake.client(&LINKS)).await.expect_err("an unknown link");

    assert!(matches!(error, Error::Unreadable(_)), "{error:?}");
}

#[tokio::test]
async fn a_list_may_be_read_by_posts_with_a_place_in_the_body() {
    static POSTED: Api =
        Api { lists: &[List { body: Some(search), page: numbered, ..LINKED }], ..API };
    let fake = Fake::new(|got, _| {
        let ids = match got.json()["query"]["offset"].as_str() {
            None => vec![user("user_1"), user("user_2")],
            Some(_) => vec![user("user_3")],
        };
        reply(200, &json!({ "result": ids }))
    })
    .await;

    let met = walk(&fake.client(&POSTED)).await.expect("a walk");

    assert_eq!(met, ["user_1", "user_2", "user_3"]);
    let got = fake.got("/api/users");
    assert!(got.iter().all(|got| got.method == "POST" && !got.uri.contains('?')), "{got:?}");
    assert_eq!(got[1].json(), json!({ "query": { "offset": "2", "limit": 2 } }));
}

#[tokio::test]
async fn one_entity_may_be_within_its_answer_or_in_a_search() {
    static WITHIN: Api = Api {
        question: |_| Some(Question::Within { path: "/user?id=user_1".into(), field: "user" }),
        ..API
    };
    static SEARCHED: Api = Api {
        question: |_| {
            let only = vec![("after", "user_1".to_owned())];
            let path = "/search".to_owned();
            let (query, body) =
                ((|_| Query::new()) as fn(Option<&str>) -> Query, Some(search as _));
            Some(Question::Excerpt { path, only, query, body, page: numbered })
        },
        ..API
    };
    let fake = Fake::new(|got: &Got, earlier| match &*got.uri {
        "/api/user?id=user_1" => reply(200, &json!({ "user": user("user_1") })),
        "/api/search" if earlier == 0 => reply(200, &json!({ "result": [user("user_1")] })),
        _ => reply(200, &json!({ "result": [] })),
    })
    .await;
    let searched = fake.client(&SEARCHED);

    let within = fake.client(&WITHIN).user("user_1").await.expect("an answer");
    let found = searched.user("user_1").await.expect("an answer");
    let missing = searched.user("user_1").await.expect("an answer");

    assert!(matches!(within, Found::Shown { .. }), "{within:?}");
    assert!(matches!(found, Found::Shown { .. }), "{found:?}");
    assert!(matches!(missing, Found::Missing(_)), "{missing:?}");
    assert_eq!(fake.got("/api/search")[0].json()["query"]["offset"], "user_1");
}

#[tokio::test]
async fn an_error_has_the_name_that_its_api_gives_it() {
    static SHAPED: Api = Api {
        code: |error| {
            let says = error.filled("error").ok().flatten();
            says.map(|says| if says == "User not found" { "user_not_found".into() } else { says })
        },
        ..API
    };
    let of = async |body: Value| {
        let fake = Fake::new(move |_, _| reply(404, &body)).await;
        fake.client(&SHAPED).user("user_1").await
    };

    let missing = of(json!({ "error": "User not found" })).await;
    let other = of(json!({ "error": "realm.not-found" })).await;
    let text = of(json!({ "error": "ada@example.com was not found" })).await;

    assert!(matches!(missing, Ok(Found::Missing(_))), "{missing:?}");
    assert!(matches!(&other, Err(Error::NotUnderstood { code }) if code == "realm.not-found"));
    assert!(matches!(text, Err(Error::Status { code: None, .. })), "{text:?}");
}

#[tokio::test]
async fn a_404_without_a_body_counts_if_the_api_shows_its_list() {
    static SILENT: Api = Api { missing: |_| &[NO_BODY], ..API };
    let of = async |api: &'static Api, list: Reply, body: &'static str| {
        let fake = Fake::new(move |got, _| match got.uri.starts_with("/api/users/") {
            true => (404, Vec::new(), body.to_owned()),
            false => list.clone(),
        })
        .await;
        fake.client(api).user("user_1").await
    };
    static NAMED: Api = API;

    let missing = of(&SILENT, empty_page(), "").await;
    let elsewhere = of(&SILENT, (404, Vec::new(), String::new()), "").await;
    let page = of(&SILENT, empty_page(), "<html>not here</html>").await;
    let named = of(&NAMED, empty_page(), "").await;

    assert!(matches!(missing, Ok(Found::Missing(_))), "{missing:?}");
    for refused in [elsewhere, page, named] {
        assert!(matches!(refused, Err(Error::Status { status: 404, .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn an_api_that_is_only_read_creates_and_deletes_no_user() {
    static ONLY_READ: Api = API;
    let fake = Fake::new(|_, _| reply(200, &json!({}))).await;
    let client = fake.client(&ONLY_READ);
    let ada = NewUser { email: "ada@example.com".into(), name: None };

    let created = client.create(&ada).await;
    let deleted = client.delete("user_1").await;

    assert!(matches!(created, Err(Error::OnlyRead)), "{created:?}");
    assert!(matches!(deleted, Err(Error::OnlyRead)), "{deleted:?}");
    assert!(fake.got("/").is_empty());
}
