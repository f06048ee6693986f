//! Rows that `psql`, an application or another version of this program wrote.

use serde_json::{Value, json};

use super::{Person, text};
use crate::harness::{Mirror, Service, Signed, TestDatabase, Vendor, body, users_sync};

/// Times beyond the range of Rust's type.
const TIMES: [&str; 4] = ["infinity", "-infinity", "294000-01-01", "4714-11-24 00:00:00 BC"];

const PLACES: [&str; 9] = [
    "/api/users/user_1",
    "/api/users/user_1?wait=1s",
    "/api/status",
    "/api/deliveries",
    "/api/deliveries/clerk/by-hand",
    "/metrics",
    "/readyz",
    "/api/deliveries?user=user_1",
    "/api/deliveries?outcome=quarantined",
];

const PAGES: [&str; 6] = [
    "/admin",
    "/admin/deliveries",
    "/admin/deliveries/clerk/by-hand",
    "/admin/users?id=user_1",
    "/admin/runs",
    "/admin/quarantine",
];

/// Sets every time in the tables to this one.
async fn at(database: &TestDatabase, time: &str) {
    let sql = format!(
        "update neon_auth.users_sync set created_at = '{time}', updated_at = '{time}', deleted_at = '{time}';
         update users_sync.ledger set version_at = '{time}', deleted_at = '{time}', first_deleted_at = '{time}',
             last_deleted_at = '{time}', fence = '{time}';
         delete from users_sync.journal;
         insert into users_sync.journal (source, delivery_id, kind, entity_id, version_at, received_at, processed_at, outcome, reason, body)
         values ('clerk', 'by-hand', 'user', 'user_1', '{time}', '{time}', '{time}', 'quarantined', 'by hand', 'no JSON'),
             ('clerk', 'of-now', 'user', 'user_1', '{time}', now(), now(), 'applied', null, null);
         delete from users_sync.runs;
         insert into users_sync.runs (kind, source, started_at, updated_at, finished_at, outcome, unannounced, unannounced_since)
         values ('reconcile', 'clerk', '{time}', '{time}', '{time}', 'done', 1, '{time}'),
             ('backfill', 'clerk', '{time}', '{time}', '{time}', 'done', 1, '{time}');
         delete from users_sync.findings;
         insert into users_sync.findings (subject, id, detail, found_at) values ('mirror', 'x', 'by hand', '{time}')"
    );
    database.client().await.batch_execute(&sql).await.expect("Postgres takes it");
}

#[tokio::test]
async fn times_that_only_postgres_supports_are_shown_as_the_nearest() {
    let database = TestDatabase::new().await;
    let service = Service::keeping_bodies(database.url()).await;
    let person = Person::signed_in(&service).await;
    let user = body("clerk", "user.created", "user_1", &json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;
    for time in TIMES {
        at(&database, time).await;

        for place in PLACES {
            text(&service, place).await;
        }
        for page in PAGES {
            person.page(page).await;
        }
        let shown: Value = serde_json::from_str(&text(&service, PLACES[0]).await).expect("JSON");
        let nearest = match time {
            "infinity" | "294000-01-01" => "9999-12-30T22:00:00.999999Z",
            _ => "-004713-11-24T00:00:00Z",
        };
        assert_eq!(shown["deleted_at"], nearest, "{time}");
    }
}

#[tokio::test]
async fn commands_over_all_rows_accept_times_that_only_postgres_supports() {
    let database = TestDatabase::new().await;
    let service = Service::keeping_bodies(database.url()).await;
    let user = body("clerk", "user.created", "user_1", &json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;
    for time in TIMES {
        at(&database, time).await;

        for command in [
            &["users", "get", "user_1"] as &[&str],
            &["remap", "--json"],
            &["replay", "--all", "--dry-run", "--json"],
            &["replay", "--quarantined", "--json"],
            &["purge", "--dry-run", "--json"],
        ] {
            let said = users_sync(database.url(), command).await;
            assert_eq!(said.code, 0, "{time} {command:?}: {said:?}");
        }
        let replayed =
            service.api("POST", "/api/deliveries/clerk/by-hand/replay", Value::Null).await;
        assert_eq!(replayed.status, 200, "{replayed:?}");
    }
}

#[tokio::test]
async fn deliveries_with_the_same_infinite_time_are_listed_once_each() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let insert = "insert into users_sync.journal (source, delivery_id, received_at, outcome)
        select 'clerk', 'id-' || t || n, t::timestamptz, 'applied'
        from generate_series(1, 7) n, unnest(array['infinity', '-infinity', '294000-01-01', '2026-01-01']) t";
    database.client().await.batch_execute(insert).await.expect("Postgres takes it");

    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = text(&service, &format!("/api/deliveries?limit=3{after}")).await;
        let page: Value = serde_json::from_str(&page).expect("JSON");
        let found = page["deliveries"].as_array().expect("a list");
        ids.extend(found.iter().map(|delivery| delivery["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        assert!(ids.len() <= 28, "it goes round in a circle");
        after = format!("&after={next}");
    }

    assert_eq!(ids.len(), 28);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 28, "each once");
    let said = users_sync(database.url(), &["replay", "--all", "--dry-run", "--json"]).await.json();
    assert_eq!(said["without_body"], 14, "what is dated after now is not replayed");
}

#[tokio::test]
async fn delivery_ids_that_senders_may_not_use_are_read_from_the_tables() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::keeping_bodies(database.url()).await;
    let user = body("clerk", "user.updated", "user_1", &json!({ "first_name": "Ada" }));
    service.post(&Signed::new("clerk", user.to_string())).await;
    for id in ["", &"long".repeat(200), "\u{1}\n\u{202e}"] {
        let insert = "insert into users_sync.journal (source, delivery_id, received_at, outcome, reason, body)
            values ('clerk', $1, now(), 'quarantined', 'by hand', $2)
            on conflict do nothing";
        let body = user.to_string().into_bytes();
        client.execute(insert, &[&id, &body]).await.expect("Postgres takes it");
        let ledger = "update users_sync.ledger set version_delivery = $1, disabled = true";
        client.execute(ledger, &[&id]).await.expect("Postgres takes it");

        let said = users_sync(database.url(), &["replay", "--quarantined", "--json"]).await.json();
        let outcomes = said["outcomes"].as_object().expect("outcomes");
        assert!(!outcomes.contains_key("quarantined") && outcomes.len() == 1, "{said}");
        client.execute(ledger, &[&id]).await.expect("Postgres takes it");
        let said = users_sync(database.url(), &["remap", "--json"]).await.json();
        assert_eq!((&said["changed"], &said["unreadable"]), (&json!(1), &json!(0)), "{id}");
        text(&service, "/api/deliveries").await;
    }
}

#[tokio::test]
async fn reconcile_repairs_rows_whose_raw_json_is_no_object() {
    for raw in ["null", "\"text\"", "7", "true", "[]", "[[1]]"] {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        vendor.enrol(["user_1", "user_2"]);
        mirror.backfill(&vendor.client()).await.expect("a backfill");
        let spoil = format!(
            "update neon_auth.users_sync set raw_json = '{raw}' where id = 'user_1';
             update users_sync.ledger set version_at = 'epoch'"
        );
        mirror.execute(&spoil).await;

        let report = mirror.reconcile(&vendor.client()).await.expect("it goes on");

        assert_eq!(report.counts.stale, 1, "{raw}");
        assert_eq!(mirror.rows().await["user_1"].raw["id"], "user_1", "{raw}");
    }
}

#[tokio::test]
async fn a_query_for_times_before_all_history_is_answered() {
    let database = TestDatabase::new().await;
    let service = Service::keeping_bodies(database.url()).await;
    let person = Person::signed_in(&service).await;
    let user = body("clerk", "user.created", "user_1", &json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;
    let (first, last) = ("-009999-01-02T01:59:59Z", "9999-12-30T22:00:00.999999999Z");

    let found = text(&service, &format!("/api/deliveries?since={first}&until={last}")).await;
    let none = text(&service, &format!("/api/deliveries?until={first}")).await;

    assert!(found.contains("user_1") && !none.contains("user_1"));
    for page in ["deliveries", "quarantine"] {
        person.page(&format!("/admin/{page}?since={first}&until={last}")).await;
    }
    let (since, until) = (format!("--since={first}"), format!("--until={last}"));
    let arguments = ["replay", &since, &until, "--dry-run", "--json"];
    let said = users_sync(database.url(), &arguments).await.json();
    assert_eq!(said["outcomes"], json!({ "duplicate": 1 }));
}

#[tokio::test]
async fn an_invalid_query_is_not_repeated() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for query in [
        "since=ada@example.com",
        "ada@example.com=1",
        "limit=ada@example.com",
        "outcome=ada@example.com",
    ] {
        let answer = service.api("GET", &format!("/api/deliveries?{query}"), Value::Null).await;

        assert_eq!(answer.status, 400, "{query}");
        assert!(!answer.body.to_string().contains("ada@"), "{query}: {answer:?}");
    }
}

#[tokio::test]
async fn a_forged_cursor_of_the_list_is_refused() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for forged in ["9223372036854775806", "-9223372036854775807", "9223372036854775808", "x", ""] {
        let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let after = base64::Engine::encode(&cursor, format!("{forged}\nclerk\nid"));
        let answer =
            service.api("GET", &format!("/api/deliveries?after={after}"), Value::Null).await;
        assert_eq!(answer.status, 400, "{forged}: {answer:?}");
    }
}

#[tokio::test]
async fn providers_are_asked_about_rows_with_times_that_only_postgres_supports() {
    for time in TIMES {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        let service = mirror.serve(&vendor, users_sync::sync::Options::default()).await;
        vendor.enrol(["user_1", "user_2", "user_3"]);
        mirror.backfill(&vendor.client()).await.expect("a backfill");
        at(&mirror.database, time).await;
        vendor.dismiss("user_3");

        for user in ["user_1", "user_3"] {
            let path = format!("/api/users/{user}/sync");
            let answer = service.api("POST", &path, Value::Null).await;
            assert!(answer.status < 500, "{time}: {answer:?}");
        }
        mirror.backfill(&vendor.client()).await.expect("another backfill");
        mirror.reconcile(&vendor.client()).await.expect("a reconcile");
    }
}
