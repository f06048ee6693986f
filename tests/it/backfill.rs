//! `users-sync backfill`: every user of the provider, in the table.

mod kinds;

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;
use users_sync::model::Kind;
use users_sync::sync::backfill::{self, backfill};
use users_sync::sync::lease;

use crate::harness::{Fault, Mirror, Service, Signed, Vendor, body};

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

async fn enrolled(provider: &'static str, count: usize) -> (Vendor, Vec<String>) {
    let (vendor, ids) = (Vendor::new(provider).await, ids(count));
    vendor.enrol(ids.iter().map(String::as_str));
    (vendor, ids)
}

#[tokio::test]
async fn a_backfill_brings_every_user_into_the_table() {
    for provider in ["clerk", "stack"] {
        let (vendor, ids) = enrolled(provider, 700).await;
        let mirror = Mirror::new().await;

        let progress = mirror.backfill(&vendor.client()).await.expect("a backfill");

        assert_eq!((progress.counts.seen, progress.counts.missing), (700, 700));
        let rows = mirror.rows().await;
        assert_eq!(rows.keys().cloned().collect::<Vec<_>>(), ids, "{provider}");
        for user in &vendor.desk().users {
            let row = &rows[user["id"].as_str().expect("an id")];
            assert_eq!(&row.raw, user);
            assert_eq!(row.name.as_deref(), Some("Ada Lovelace"));
            assert_eq!(row.email.as_deref(), Some("ada@example.com"));
        }
    }
}

#[tokio::test]
async fn a_second_backfill_writes_nothing() {
    let (vendor, _) = enrolled("stack", 20).await;
    let mirror = Mirror::new().await;
    mirror.backfill(&vendor.client()).await.expect("a backfill");
    mirror
        .execute(
            "create function refuse() returns trigger language plpgsql as $$ begin raise 'written'; end $$;
             create trigger t before insert or update on neon_auth.users_sync for each row execute function refuse();
             create trigger t before insert or update on users_sync.ledger for each row execute function refuse()",
        )
        .await;

    let progress = mirror.backfill(&vendor.client()).await.expect("a backfill");

    assert_eq!((progress.counts.seen, progress.counts.missing, progress.counts.stale), (20, 0, 0));
}

#[tokio::test]
async fn an_interrupted_backfill_continues_at_its_last_page() {
    let (vendor, ids) = enrolled("stack", 50).await;
    vendor.desk().page_cap = 10;
    let mirror = Mirror::new().await;
    let client = vendor.client();
    {
        let interrupted = backfill(&mirror.tables, &client, Kind::User, false, |progress| {
            // The third page is on its way; then nothing of it is ever heard again.
            if progress.counts.seen == 20 {
                vendor.desk().faults.extend(vec![Fault::ServerError; 4]);
            }
        })
        .await;
        assert!(matches!(interrupted, Err(backfill::Error::Api(_))), "{interrupted:?}");
    }
    let before = vendor.asked("GET", "/users");
    vendor.desk().faults.clear();

    let progress = mirror.backfill(&client).await.expect("a backfill");

    assert!(progress.resumed >= 20, "{progress:?}");
    assert_eq!(progress.counts.seen, 50);
    assert_eq!(mirror.alive().await, ids);
    // One user, and the pages that were left.
    assert!(vendor.asked("GET", "/users") - before < 6, "it started over");
}

#[tokio::test]
async fn a_row_that_is_newer_than_its_page_stays() {
    let vendor = Vendor::new("clerk").await;
    let (client, mirror) = (vendor.client(), Mirror::new().await);
    vendor.put("user_1", &json!({ "first_name": "New", "updated_at": 1_700_000_002_000_i64 }));
    mirror.backfill(&client).await.expect("a backfill");
    vendor.put("user_1", &json!({ "first_name": "Old", "updated_at": 1_700_000_001_000_i64 }));

    let progress = mirror.backfill(&client).await.expect("a backfill");

    assert_eq!(progress.counts.stale, 0);
    assert_eq!(mirror.rows().await["user_1"].name.as_deref(), Some("New Lovelace"));
}

#[tokio::test]
async fn a_user_that_postgres_refuses_does_not_cost_the_others() {
    let (vendor, _) = enrolled("clerk", 5).await;
    let mirror = Mirror::new().await;
    mirror.execute("alter table neon_auth.users_sync add check (id <> 'user_00002')").await;

    mirror.backfill(&vendor.client()).await.expect("a backfill");

    let expected = ["user_00000", "user_00001", "user_00003", "user_00004"];
    assert_eq!(mirror.alive().await, expected);
}

#[tokio::test]
async fn two_backfills_of_a_source_do_not_run_at_once() {
    let (vendor, _) = enrolled("clerk", 5).await;
    let mirror = Mirror::new().await;
    mirror
        .execute("insert into users_sync.leases values ('sync clerk', gen_random_uuid(), now() + interval '1 minute')")
        .await;

    let refused = mirror.backfill(&vendor.client()).await;

    assert!(matches!(refused, Err(backfill::Error::Lease(lease::Error::Busy))), "{refused:?}");
}

#[tokio::test]
async fn the_lease_of_a_holder_that_died_is_taken_over() {
    let (vendor, ids) = enrolled("clerk", 5).await;
    let mirror = Mirror::new().await;
    mirror
        .execute("insert into users_sync.leases values ('sync clerk', gen_random_uuid(), now() - interval '1 second')")
        .await;

    mirror.backfill(&vendor.client()).await.expect("a backfill");

    assert_eq!(mirror.alive().await, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_beside_live_webhooks_ends_with_the_providers_data() {
    let (vendor, _) = enrolled("clerk", 1200).await;
    let mirror = Mirror::new().await;
    let service = Arc::new(Service::start(mirror.database.url()).await);
    let mut posting = JoinSet::new();
    for number in (0..1200).step_by(3) {
        let (id, service) = (format!("user_{number:05}"), service.clone());
        let body = body("clerk", "user.updated", &id, &json!({ "first_name": "Grace" }));
        vendor.put(&id, &body["data"]);
        let signed = Signed::new("clerk", body.to_string());
        posting.spawn(async move { service.post(&signed).await.status });
    }

    let client = vendor.client();
    let (progress, statuses) = tokio::join!(mirror.backfill(&client), posting.join_all());

    progress.expect("a backfill");
    assert!(statuses.iter().all(|status| *status == 200));
    let rows = mirror.rows().await;
    assert_eq!(rows.len(), 1200);
    for user in &vendor.desk().users {
        assert_eq!(&rows[user["id"].as_str().expect("an id")].raw, user);
    }
}
