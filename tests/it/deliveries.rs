//! Looking at deliveries over `/api`, and replaying one.

mod entities;

use serde_json::{Value, json};

use crate::harness::{ADMIN_TOKEN, Service, Signed, TestDatabase, body};

async fn service(database: &TestDatabase) -> Service {
    Service::keeping_bodies(database.url()).await
}

fn user(event: &str, id: &str) -> Signed {
    Signed::new("clerk", body("clerk", event, id, &json!({})).to_string())
}

/// The ids of every page, and how many pages there were.
async fn walk(service: &Service, query: &str) -> (Vec<String>, usize) {
    let (mut ids, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let answer =
            service.api("GET", &format!("/api/deliveries?{query}{after}"), Value::Null).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        pages += 1;
        for delivery in answer.body["deliveries"].as_array().expect("a list") {
            ids.push(delivery["id"].as_str().expect("an id").to_owned());
        }
        match answer.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return (ids, pages),
        }
    }
}

#[tokio::test]
async fn the_api_is_closed_without_its_token() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let url = service.url("/api/status");
    let client = reqwest::Client::new();

    let without = client.get(&url).send().await.expect("it answers");
    let wrong = client.get(&url).bearer_auth("the token of other tests").send().await;
    let right = client.get(&url).bearer_auth(ADMIN_TOKEN).send().await.expect("it answers");

    assert_eq!(without.status(), 401);
    assert_eq!(without.headers()["www-authenticate"], "Bearer");
    assert_eq!(wrong.expect("it answers").status(), 401);
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn every_delivery_is_on_one_page_and_the_newest_comes_first() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let mut posted = Vec::new();
    for number in 0..25 {
        let signed = user("user.created", &format!("user_{number}"));
        service.post(&signed).await;
        posted.insert(0, signed.id);
    }

    let (walked, pages) = walk(&service, "limit=10").await;

    assert_eq!(walked, posted);
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn deliveries_of_the_same_moment_are_neither_lost_nor_repeated_between_pages() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let many = "insert into users_sync.journal (source, delivery_id, received_at, outcome)
        select case when n % 2 = 0 then 'clerk' else 'stack' end, 'id ' || n, '2026-01-01', 'applied'
        from generate_series(1, 100) n";
    database.client().await.batch_execute(many).await.expect("they are journaled");

    let (mut walked, _) = walk(&service, "limit=7").await;

    walked.sort();
    walked.dedup();
    assert_eq!(walked.len(), 100);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let created = user("user.created", "user_1");
    let deleted = user("user.deleted", "user_1");
    let other = user("user.created", "user_2");
    let unreadable = Signed::new("stack", "not JSON");
    for signed in [&created, &deleted, &other, &unreadable] {
        service.post(signed).await;
    }

    for (query, expected) in [
        ("source=stack", vec![&unreadable]),
        ("outcome=quarantined", vec![&unreadable]),
        ("outcome=applied", vec![&other, &deleted, &created]),
        ("type=user.created", vec![&other, &created]),
        ("user=user_1", vec![&deleted, &created]),
        ("user=user_1&type=user.deleted", vec![&deleted]),
        ("since=2020-01-01T00:00:00Z&until=2020-02-01T00:00:00Z", vec![]),
        ("source=clerk&outcome=quarantined", vec![]),
        (
            "reason=%60the%20body%60%20is%20not%20valid%20JSON%3A%20expected%20ident%20at%20line%201%20column%202",
            vec![&unreadable],
        ),
        ("reason=another", vec![]),
    ] {
        let ids: Vec<_> = expected.iter().map(|signed| signed.id.clone()).collect();
        assert_eq!(walk(&service, query).await.0, ids, "{query}");
    }
}

#[tokio::test]
async fn a_page_looks_at_so_many_rows_and_no_more_and_the_next_one_goes_on() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let many =
        "insert into users_sync.journal (source, delivery_id, event_type, received_at, outcome)
        select 'clerk', 'id ' || n, case when n = 1 then 'rare' else 'frequent' end,
            timestamptz '2026-01-01' + n * interval '1 s', 'applied'
        from generate_series(1, 45000) n";
    database.client().await.batch_execute(many).await.expect("they are journaled");

    let (walked, pages) = walk(&service, "type=rare").await;

    assert_eq!(walked, ["id 1"]);
    assert_eq!(pages, 3, "45,000 rows, 20,000 a page");
}

#[tokio::test]
async fn a_query_that_cannot_be_understood_is_told_so() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for query in ["outcome=lost", "since=yesterday", "sauce=clerk", "after=nonsense", "limit=x"] {
        let answer = service.api("GET", &format!("/api/deliveries?{query}"), Value::Null).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
        assert_eq!(answer.body["status"], 400, "problem JSON");
    }
}

#[tokio::test]
async fn one_delivery_is_shown_with_its_body_and_replayed() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let signed = user("user.created", "user_1");
    service.post(&signed).await;
    let client = database.client().await;
    client.batch_execute("delete from neon_auth.users_sync").await.expect("it is lost");
    let path = format!("/api/deliveries/clerk/{}", signed.id);

    let shown = service.api("GET", &path, Value::Null).await;
    let replayed = service.api("POST", &format!("{path}/replay"), Value::Null).await;

    let body: Value =
        serde_json::from_str(shown.body["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["data"]["id"], "user_1");
    assert_eq!(
        (shown.body["outcome"].as_str(), shown.body["user"].as_str()),
        (Some("applied"), Some("user_1"))
    );
    assert_eq!(replayed.outcome(), "duplicate");
    let rows = client.query("select from neon_auth.users_sync where id = 'user_1'", &[]).await;
    assert_eq!(rows.expect("it answers").len(), 1, "the lost row is back");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_told_why() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let signed = user("user.created", "user_1");
    service.post(&signed).await;

    let unknown = service.api("POST", "/api/deliveries/clerk/nothing/replay", Value::Null).await;
    let not_kept = service
        .api("POST", &format!("/api/deliveries/clerk/{}/replay", signed.id), Value::Null)
        .await;

    assert_eq!(unknown.status, 404);
    assert_eq!(not_kept.status, 409);
}

#[tokio::test]
async fn the_status_tells_users_sources_and_quarantine() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    // An application asks for two, and one of them becomes known.
    let ensured = "select users_sync.ensure_user(id) from unnest(array['user_2', 'user_9']) id";
    database.client().await.batch_execute(ensured).await.expect("it may");
    service.post(&user("user.created", "user_1")).await;
    service.post(&user("user.created", "user_2")).await;
    service.post(&user("user.deleted", "user_2")).await;
    service.post(&Signed::new("clerk", "not JSON")).await;

    let status = service.api("GET", "/api/status", Value::Null).await.body;

    let users =
        json!({ "total": 3, "exact": true, "deleted": 1, "deleted_exact": true, "stubs": 1 });
    assert_eq!(status["users"], users);
    assert_eq!(status["sources"][0]["name"], "clerk");
    assert!(status["sources"][0]["last_delivery_at"].is_string());
    assert_eq!(status["sources"][1]["last_delivery_at"], Value::Null);
    assert_eq!(status["quarantine"][0]["deliveries"], 1);
    assert_eq!(status["queue"]["waiting"], 0);
}
