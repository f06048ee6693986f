//! Values that are odd but allowed: whichever program wrote them into the tables, they are returned, shown and
//! written again.

mod by_hand;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admin::person::{Person, unescaped};
use crate::harness::{
    Mirror, Service, ServiceSettings, Signed, TestDatabase, Vendor, body, eventually, users_sync,
};

/// A user with this text in the metadata that users may write.
fn user_with(source: &'static str, metadata: &str) -> Signed {
    let field = if source == "clerk" { "unsafe_metadata" } else { "client_metadata" };
    let text = body(source, "user.created", "user_1", &json!({ (field): "here" })).to_string();
    Signed::new(source, text.replace(r#""here""#, metadata))
}

fn nested(levels: usize) -> String {
    format!("{}1{}", "[".repeat(levels), "]".repeat(levels))
}

/// The raw answer to a request to `/api`.
async fn text(service: &Service, path: &str) -> String {
    let request = reqwest::Client::new().get(service.url(path));
    let answer = request.bearer_auth(crate::harness::ADMIN_TOKEN).send().await;
    let answer = answer.expect("the service answers");
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("text")
}

#[tokio::test]
async fn json_that_parsers_refuse_is_returned_shown_and_replayed() {
    let database = TestDatabase::new().await;
    let service = Service::keeping_bodies(database.url()).await;
    let person = Person::signed_in(&service).await;
    let odd = [nested(125), nested(127), nested(128), nested(900), "1e400".into(), "-1e400".into()];
    for (source, metadata) in
        ["clerk", "stack"].into_iter().flat_map(|source| odd.iter().map(move |odd| (source, odd)))
    {
        database
            .client()
            .await
            .batch_execute("truncate neon_auth.users_sync, users_sync.ledger")
            .await
            .expect("empty tables");
        let signed = user_with(source, metadata);
        assert_eq!(service.post(&signed).await.outcome(), "applied");

        let answers = [
            text(&service, "/api/users/user_1").await,
            text(&service, "/api/users/user_1?wait=5s").await,
            users_sync(database.url(), &["users", "get", "user_1"]).await.out,
        ];
        let kept = if metadata.contains('e') { "00000000" } else { metadata };
        for answer in answers {
            assert!(answer.split_whitespace().collect::<String>().contains(kept), "{answer}");
            assert!(answer.contains("ada@example.com"), "{answer}");
        }
        let delivery = format!("/api/deliveries/{source}/{}", signed.id);
        assert!(text(&service, &delivery).await.contains(metadata));
        for page in
            [format!("/admin/deliveries/{source}/{}", signed.id), "/admin/users?id=user_1".into()]
        {
            assert!(unescaped(&person.page(&page).await).contains("ada@example.com"), "{page}");
        }
        let again = service.api("POST", &format!("{delivery}/replay"), Value::Null).await;
        assert_eq!(again.body["outcome"], "duplicate");
    }
}

#[tokio::test]
async fn waiting_requests_get_an_answer_for_any_metadata() {
    for metadata in [nested(127), "1e400".into()] {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        let service = mirror.serve(&vendor, Default::default()).await;
        let signed = user_with("clerk", &metadata);

        let (waited, _) = tokio::join!(text(&service, "/api/users/user_1?wait=30s"), async {
            eventually("the provider was asked", async || {
                vendor.asked("GET", "/users/user_1") == 1
            })
            .await;
            service.post(&signed).await
        });

        assert!(waited.contains("ada@example.com"));
        assert!(text(&service, "/api/users/user_1").await.contains("ada@example.com"));
    }
}

#[tokio::test]
async fn after_an_unreadable_row_the_next_waiting_request_reads_it_again() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    let service = mirror.serve(&vendor, Default::default()).await;
    let spoil =
        "alter table neon_auth.users_sync alter column name type jsonb using to_jsonb(name)";
    let mend = "alter table neon_auth.users_sync alter column name type text using name #>> '{}'";
    mirror.execute("drop view neon_auth.users_active cascade").await;

    let (waited, ()) = tokio::join!(
        service.api("GET", "/api/users/user_1?wait=2s", Value::Null),
        async {
            eventually("the provider was asked", async || {
                vendor.asked("GET", "/users/user_1") == 1
            })
            .await;
            mirror.execute(spoil).await;
            mirror.execute("insert into neon_auth.users_sync (id, name, raw_json) values ('user_1', '\"Ada\"', '{\"id\": \"user_1\", \"more\": 1}')").await;
        }
    );
    assert_eq!(waited.status, 404);
    let unreadable = service.api("GET", "/api/users/user_1", Value::Null).await;
    assert_eq!(unreadable.status, 503, "{unreadable:?}");

    mirror.execute(mend).await;
    let answer = service.api("GET", "/api/users/user_1?wait=5s", Value::Null).await;
    assert_eq!((answer.status, &answer.body["name"]), (200, &json!("Ada")));
}

#[tokio::test]
async fn numbers_that_print_as_gigabytes_stop_no_answer_and_no_run() {
    let database = TestDatabase::new().await;
    let service = Service::start_with(database.url(), ServiceSettings::default()).await;
    let person = Person::signed_in(&service).await;
    let other = body("clerk", "user.created", "user_2", &json!({ "first_name": "Grace" }));
    service.post(&Signed::new("clerk", other.to_string())).await;
    for number in ["1e131000", "-1e131000", "1e-16000", "0e-16000", "{\"deep\":[1e131000]}"] {
        let many = vec![number; 20_000].join(",");
        let signed = user_with("clerk", &format!("[{many}]"));
        assert_eq!(service.post(&signed).await.outcome(), "applied", "{number}");

        let answer = text(&service, "/api/users/user_1").await;
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(
            (&answer["email"], &answer["raw_json"]),
            (&json!("ada@example.com"), &Value::Null)
        );
        let page = person.page("/admin/users?id=user_1").await;
        assert!(page.len() < 100_000 && page.contains("too large to be shown"), "{}", page.len());
        let client = database.client().await;
        client
            .batch_execute("update neon_auth.users_sync set name = 'Wrong'")
            .await
            .expect("the test owns it");
        let said = users_sync(database.url(), &["remap", "--json"]).await.json();
        assert_eq!(
            (&said["looked_at"], &said["changed"], &said["unreadable"]),
            (&json!(2), &json!(1), &json!(1))
        );
    }
}

#[tokio::test]
async fn half_a_million_small_numbers_are_returned_soon() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let signed = user_with("clerk", &format!("[{}1]", "1,".repeat(500_000)));
    assert_eq!(service.post(&signed).await.outcome(), "applied");
    let began = Instant::now();

    let answer = text(&service, "/api/users/user_1").await;

    assert!(answer.len() > 1_000_000 && answer.contains("ada@example.com"));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}
