//! An entity has one owner, the source that sent a change about it first: a delivery of another source is kept, and
//! changes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use users_sync::ksuid;
use uuid::Uuid;

use crate::harness::{Answer, Service, Signed, TestDatabase, body, run};

const SOURCES: [&str; 2] = ["clerk", "stack"];
const FIRST: i64 = 1_750_000_000_000;

fn signed(source: &'static str, event_type: &str, id: &str) -> Signed {
    Signed::new(source, body(source, event_type, id, &json!({})).to_string())
}

/// A user in the tables: the owner, whether it is deleted, and its e-mail address.
async fn user(client: &Client, id: &str) -> (String, bool, Option<String>) {
    let sql = "select l.source, u.deleted_at is not null, u.email
        from neon_auth.users_sync u join users_sync.ledger l using (id) where id = $1";
    let row = client.query_one(sql, &[&id]).await.expect("one row");
    (row.get(0), row.get(1), row.get(2))
}

async fn assert_quarantined(client: &Client, delivery: &Signed, answer: &Answer, owner: &str) {
    assert_eq!(answer.outcome(), "quarantined");
    let sql = "select reason, body, entity_id from users_sync.journal where delivery_id = $1";
    let row = client.query_one(sql, &[&delivery.id]).await.expect("it is journaled");
    let reason: &str = row.get("reason");
    assert!(reason.contains(owner) && reason.contains(delivery.source), "{reason}");
    assert_eq!(row.get::<_, &[u8]>("body"), delivery.body);
}

#[tokio::test]
async fn a_source_can_neither_delete_nor_change_another_sources_user() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    for (owner, stranger) in [("clerk", "stack"), ("stack", "clerk")] {
        let id = format!("user_of_{owner}");
        assert_eq!(service.post(&signed(owner, "user.created", &id)).await.outcome(), "applied");

        for event_type in ["user.deleted", "user.updated", "user.created"] {
            let foreign = signed(stranger, event_type, &id);
            let answer = service.post(&foreign).await;
            assert_quarantined(&client, &foreign, &answer, owner).await;
        }

        let address = Some("ada@example.com".to_owned());
        assert_eq!(user(&client, &id).await, (owner.to_owned(), false, address));
        assert_eq!(service.post(&signed(owner, "user.deleted", &id)).await.outcome(), "applied");
    }
}

#[tokio::test]
async fn a_source_cannot_change_a_user_that_another_source_deleted() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    service.post(&signed("clerk", "user.deleted", "user_1")).await;

    let foreign = signed("stack", "user.created", "user_1");
    let answer = service.post(&foreign).await;

    assert_quarantined(&client, &foreign, &answer, "clerk").await;
    assert_eq!(user(&client, "user_1").await, ("clerk".to_owned(), true, None));
}

#[tokio::test]
async fn a_foreign_delivery_stays_quarantined_after_a_retry_or_replay() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    service.post(&signed("clerk", "user.created", "user_1")).await;
    let foreign = signed("stack", "user.deleted", "user_1");

    for _ in 0..2 {
        let answer = service.post(&foreign).await;
        assert_quarantined(&client, &foreign, &answer, "clerk").await;
    }
    let path = format!("/api/deliveries/stack/{}/replay", foreign.id);
    let replayed = service.api("POST", &path, json!({})).await;

    assert_eq!(replayed.body["outcome"], "quarantined");
    assert!(!user(&client, "user_1").await.1);
}

#[tokio::test]
async fn a_foreign_delivery_affects_no_other_of_its_batch() {
    let database = TestDatabase::new().await;
    let service = Arc::new(Service::start(database.url()).await);
    service.post(&signed("clerk", "user.created", "user_0")).await;

    let mut posts = JoinSet::new();
    for n in 0..40 {
        let (service, source) = (service.clone(), SOURCES[n % 2]);
        // Every tenth is about the user that Clerk owns.
        let id = if n % 10 == 1 { "user_0".to_owned() } else { format!("user_{n}") };
        posts.spawn(async move {
            let answer = service.post(&signed(source, "user.created", &id)).await;
            (source, id, answer)
        });
    }

    for (source, id, answer) in posts.join_all().await {
        let foreign = source == "stack" && id == "user_0";
        assert_eq!(answer.outcome(), if foreign { "quarantined" } else { "applied" }, "{id}");
    }
}

#[tokio::test]
async fn foreign_deliveries_are_counted_by_the_source_that_sent_them() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    service.post(&signed("clerk", "user.created", "user_1")).await;

    service.post(&signed("stack", "user.updated", "user_1")).await;

    let text = crate::metrics::scrape(&service).await;
    let foreign = |source| format!("users_sync_foreign_deliveries_total{{source=\"{source}\"}}");
    assert_eq!(crate::metrics::value(&text, &foreign("stack")), Some(1.0));
    assert_eq!(crate::metrics::value(&text, &foreign("clerk")), None);
}

#[tokio::test]
async fn only_the_new_owner_can_change_a_transferred_user() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    service.post(&signed("clerk", "user.created", "user_1")).await;
    let foreign = signed("stack", "user.updated", "user_1");
    service.post(&foreign).await;

    let said =
        run(&["users", "transfer", "user_1", "--to", "stack"], &[("DATABASE_URL", database.url())])
            .await;
    let replayed = run(&["replay", "--quarantined"], &[("DATABASE_URL", database.url())]).await;

    assert_eq!((said.code, replayed.code), (0, 0), "{said:?} {replayed:?}");
    assert!(said.out.contains("belonged to clerk"), "{said:?}");
    assert_eq!(user(&client, "user_1").await.0, "stack");
    let sql = "select raw_json ? 'signed_up_at_millis' from neon_auth.users_sync";
    assert!(client.query_one(sql, &[]).await.expect("one row").get::<_, bool>(0));
    let late = signed("clerk", "user.deleted", "user_1");
    assert_eq!(service.post(&late).await.outcome(), "quarantined");
}

#[tokio::test]
async fn a_transfer_to_an_unknown_source_or_of_an_unknown_user_is_refused() {
    let database = TestDatabase::new().await;
    let transfer = async |to: &str| {
        let arguments = ["users", "transfer", "user_1", "--to", to];
        run(&arguments, &[("DATABASE_URL", database.url())]).await.code
    };

    assert_eq!((transfer("nowhere").await, transfer("stack").await), (2, 1));
}

#[derive(Clone, Debug)]
struct Event {
    source: &'static str,
    user: usize,
    at: i64,
    /// `None` for a deletion.
    name: Option<String>,
}

fn history() -> impl Strategy<Value = (Vec<Event>, usize)> {
    let event = (0..2_usize, 0..2_usize, 0..6_i64, prop::option::weighted(0.75, "[a-z]{1,6}"));
    let event = event.prop_map(|(source, user, step, name)| Event {
        source: SOURCES[source],
        user,
        at: FIRST + step * 1_500,
        name,
    });
    (prop::collection::vec(event, 1..14), 1..8_usize)
}

fn delivery(event: &Event, case: &str) -> Signed {
    let at = Timestamp::from_millisecond(event.at).expect("a time");
    let id = format!("user_{case}_{}", event.user);
    let data = match &event.name {
        Some(name) => {
            json!({ "first_name": name, "last_name": null, "display_name": name, "updated_at": event.at })
        }
        None => json!({}),
    };
    let event_type = if event.name.is_some() { "user.updated" } else { "user.deleted" };
    let mut body = body(event.source, event_type, &id, &data);
    body["timestamp"] = json!(event.at);
    // The time inside its id is the version of a Stack Auth delivery.
    Signed::new(event.source, body.to_string()).with_id(&format!("msg_{}", ksuid::new(at)))
}

type Row = (Option<String>, Option<Timestamp>);

/// The law for one owner, written again: the newest name, and the first deletion.
fn expected(events: &[(Event, String)], owner: &str, user: usize) -> Row {
    let of = || events.iter().filter(|(event, _)| event.user == user && event.source == owner);
    let named = of().filter(|(event, _)| event.name.is_some());
    let newest = named.max_by_key(|(event, id)| (event.at, id.clone()));
    let deleted = of().filter(|(event, _)| event.name.is_none()).map(|(event, _)| event.at).min();
    let time = |at| Timestamp::from_millisecond(at).expect("a time");
    (newest.and_then(|(event, _)| event.name.clone()), deleted.map(time))
}

#[test]
fn if_two_sources_share_ids_only_the_first_decides() {
    let runtime = Runtime::new().expect("a runtime");
    let database = runtime.block_on(TestDatabase::new());
    let client = runtime.block_on(database.client());
    let start = || runtime.block_on(Service::start(database.url()));
    let replicas = [Arc::new(start()), Arc::new(start())];
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };

    let result = TestRunner::new(config).run(&history(), |(events, at_once)| {
        let case = Uuid::new_v4().simple().to_string();
        let deliveries: Vec<_> = events.iter().map(|event| delivery(event, &case)).collect();
        let (rows, quarantined) = runtime.block_on(async {
            for (batch, together) in deliveries.chunks(at_once).enumerate() {
                let mut posts = JoinSet::new();
                for signed in together {
                    let (service, signed) = (replicas[batch % 2].clone(), signed.clone());
                    posts.spawn(async move { service.post(&signed).await });
                }
                for answer in posts.join_all().await {
                    assert!(["applied", "stale", "quarantined"].contains(&answer.outcome()));
                }
            }
            (rows(&client, &case).await, quarantined(&client, &case).await)
        });

        let ids = deliveries.iter().map(|signed| signed.id.clone());
        let events: Vec<_> = events.into_iter().zip(ids).collect();
        for (user, owner, row) in &rows {
            prop_assert_eq!(row, &expected(&events, owner, *user));
        }
        let owner = |user| rows.iter().find(|(known, ..)| *known == user).map(|(_, it, _)| it);
        let is_foreign = |event: &Event| owner(event.user).is_none_or(|it| it != event.source);
        let foreign = events.iter().filter(|(event, _)| is_foreign(event));
        prop_assert_eq!(quarantined, foreign.map(|(_, id)| id.clone()).collect::<HashSet<_>>());
        Ok(())
    });

    result.unwrap_or_else(|failure| panic!("{failure}"));
}

async fn rows(client: &Client, case: &str) -> Vec<(usize, String, Row)> {
    let sql = "select right(l.id, 1)::integer, l.source, u.name, u.deleted_at
        from users_sync.ledger l join neon_auth.users_sync u using (id) where starts_with(id, $1)";
    let found = client.query(sql, &[&format!("user_{case}_")]).await.expect("it answers");
    let row = |row: &tokio_postgres::Row| {
        let user = usize::try_from(row.get::<_, i32>(0)).expect("a user's number");
        (user, row.get(1), (row.get(2), row.get(3)))
    };
    found.iter().map(row).collect()
}

async fn quarantined(client: &Client, case: &str) -> HashSet<String> {
    let sql = "select delivery_id from users_sync.journal
        where outcome = 'quarantined' and position(convert_to($1, 'UTF8') in body) > 0";
    let rows = client.query(sql, &[&case]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}
