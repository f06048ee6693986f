//! `users-sync reconcile`: the provider's list against the table.

mod gone;
mod grants;
mod kinds;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use users_sync::model::{Change, Key, Reading};
use users_sync::sync::guard::Why;
use users_sync::sync::lease;
use users_sync::sync::reconcile::{Drift, Error, Report, Settings, reconcile};

use crate::harness::{Fault, Mirror, Vendor, eventually};

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

/// A vendor with so many users, and a table that has them.
async fn in_sync(provider: &'static str, count: usize) -> (Vendor, Mirror) {
    let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
    vendor.enrol(ids(count).iter().map(String::as_str));
    mirror.backfill(&vendor.client()).await.expect("a backfill");
    mirror.settle().await;
    (vendor, mirror)
}

fn drift(report: &Report) -> Vec<(&str, Drift)> {
    report.findings.iter().map(|finding| (finding.id.as_str(), finding.drift)).collect()
}

fn assert_refused(result: &Result<Report, Error>, why: Why, known: u64) {
    let Err(Error::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!((refusal.why, refusal.known), (why, known));
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

fn deleted(id: &str, at: Timestamp) -> Reading {
    let change = Change::Deleted { key: Key::user(id), at };
    Reading { source: "clerk".into(), change }
}

#[tokio::test]
async fn missing_stale_and_gone_users_are_repaired() {
    for provider in ["clerk", "stack"] {
        let (vendor, mirror) = in_sync(provider, 5).await;
        vendor.put("user_new", &json!({}));
        let changed = json!({ "first_name": "Grace", "display_name": "Grace Lovelace" });
        vendor.put("user_00001", &changed);
        vendor.dismiss("user_00002");

        let looked = mirror.dry_run(&vendor.client()).await.expect("a look");
        let repaired = mirror.reconcile(&vendor.client()).await.expect("a repair");

        let expected = [
            ("user_00001", Drift::Stale),
            ("user_new", Drift::Missing),
            ("user_00002", Drift::Gone),
        ];
        assert_eq!(drift(&looked), expected, "{provider}");
        assert_eq!(drift(&repaired), expected, "{provider}");
        let rows = mirror.rows().await;
        assert_eq!(rows["user_00001"].name.as_deref(), Some("Grace Lovelace"));
        assert!(rows["user_00002"].deleted_at.is_some());
        assert_eq!(rows["user_00002"].email.as_deref(), Some("ada@example.com"));
        assert!(rows.contains_key("user_new"));
        let again = mirror.dry_run(&vendor.client()).await.expect("a look");
        assert_eq!(drift(&again), [], "{provider}");
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.enrol(["user_1"]);

    let report = mirror.dry_run(&vendor.client()).await.expect("a look");

    assert_eq!(drift(&report), [("user_1", Drift::Missing)]);
    assert!(mirror.rows().await.is_empty());
    assert_eq!(mirror.count("select count(*) from users_sync.runs").await, 0);
}

#[tokio::test]
async fn a_list_that_loses_half_of_its_users_deletes_nothing() {
    for count in [40, 700] {
        let (vendor, mirror) = in_sync("stack", count).await;
        vendor.desk().unlisted = Box::new(|user: &Value| {
            user["id"].as_str().is_some_and(|id| id.ends_with(['1', '3', '5', '7', '9']))
        });

        let result = mirror.reconcile(&vendor.client()).await;

        assert_eq!(mirror.alive().await.len(), count);
        assert_eq!(result.is_err(), count == 700, "{result:?}");
    }
}

#[tokio::test]
async fn an_empty_list_deletes_nothing_that_the_provider_has() {
    let (vendor, mirror) = in_sync("clerk", 10).await;
    vendor.desk().unlisted = Box::new(|_| true);

    let result = mirror.reconcile(&vendor.client()).await;

    assert!(matches!(result, Err(Error::Incomplete(_))), "{result:?}");
    assert_eq!(mirror.alive().await.len(), 10);
}

#[tokio::test]
async fn a_mass_deletion_is_refused_until_it_is_allowed() {
    let (vendor, mirror) = in_sync("clerk", 230).await;
    vendor.desk().users.truncate(120);
    let client = vendor.client();

    let refused = mirror.reconcile(&client).await;

    let why = Why::TooManyGone { missing: 110, allowed: 100 };
    assert_refused(&refused, why, 230);
    assert_eq!(mirror.alive().await.len(), 230);
    assert_eq!(
        mirror.count("select count(*) from users_sync.runs where outcome = 'refused'").await,
        1
    );
    let settings = Settings { allow_deletes: 110, ..Settings::default() };
    reconcile(&mirror.tables, &client, settings).await.expect("a repair");
    assert_eq!(mirror.alive().await.len(), 120);
}

#[tokio::test]
async fn an_outage_in_the_middle_of_the_confirmations_deletes_nothing() {
    let (vendor, mirror) = in_sync("clerk", 10).await;
    for id in &ids(10)[..5] {
        vendor.dismiss(id);
    }
    vendor.desk().about.insert("user_00003".into(), Fault::ServerError);

    let result = mirror.reconcile(&vendor.client()).await;

    assert!(matches!(result, Err(Error::Api(_))), "{result:?}");
    assert_eq!(mirror.alive().await.len(), 10);
}

#[tokio::test]
async fn a_walk_that_breaks_off_deletes_nothing() {
    let (vendor, mirror) = in_sync("clerk", 600).await;
    vendor.dismiss("user_00001");
    vendor.desk().stumbles = Some((2, Fault::Html(500)));

    let result = mirror.reconcile(&vendor.client()).await;

    assert!(matches!(result, Err(Error::Api(_))), "{result:?}");
    assert_eq!(mirror.alive().await.len(), 600);
}

#[tokio::test]
async fn a_tombstone_of_a_user_that_the_provider_has_is_lifted() {
    let (vendor, mirror) = in_sync("clerk", 3).await;
    mirror.accept(&[deleted("user_00001", ago(3600))]).await;

    let report = mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(drift(&report), [("user_00001", Drift::Alive)]);
    assert_eq!(mirror.alive().await, ids(3));
    // The delivery comes once more, late.
    mirror.accept(&[deleted("user_00001", ago(3600))]).await;
    assert_eq!(mirror.alive().await, ids(3));
}

#[tokio::test]
async fn a_fresh_tombstone_is_not_lifted_by_a_list_that_may_be_older() {
    let (vendor, mirror) = in_sync("clerk", 3).await;
    mirror.accept(&[deleted("user_00001", ago(1))]).await;

    let report = mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(drift(&report), []);
    assert_eq!(mirror.alive().await.len(), 2);
}

#[tokio::test]
async fn a_tombstone_that_is_listed_but_not_confirmed_stays() {
    let (vendor, mirror) = in_sync("clerk", 600).await;
    mirror.accept(&[deleted("user_00001", ago(3600))]).await;
    // The backfill asked for two pages and the count, the reconcile asks for one user: the next answer is the list.
    vendor.desk().leaving.push((5, "user_00001".into()));

    mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(mirror.alive().await.len(), 599);
}

#[tokio::test]
async fn a_user_that_another_source_keeps_is_not_gone() {
    let (vendor, mirror) = in_sync("clerk", 3).await;
    mirror.execute("update users_sync.ledger set source = 'other' where id = 'user_00001'").await;
    vendor.dismiss("user_00001");

    let report = mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(drift(&report), []);
    assert_eq!(mirror.alive().await.len(), 3);
}

#[tokio::test]
async fn a_field_that_changes_without_a_change_of_the_user_is_no_drift() {
    let (vendor, mirror) = in_sync("stack", 3).await;
    let mut user = mirror.rows().await["user_00001"].raw.clone();
    user["last_active_at_millis"] = json!(1);
    vendor.put("user_00001", &user);

    let report = mirror.dry_run(&vendor.client()).await.expect("a look");

    assert_eq!(drift(&report), []);
}

#[tokio::test]
async fn changes_that_no_delivery_announced_are_counted_when_they_are_some_minutes_old() {
    let (vendor, mirror) = in_sync("clerk", 4).await;
    mirror.execute("update users_sync.runs set started_at = now() - interval '1 hour'").await;
    let silent = ago(1200);
    for (id, at) in [("user_00001", silent), ("user_00002", ago(10)), ("user_00003", ago(7200))] {
        mirror.execute(&format!("delete from neon_auth.users_sync where id = '{id}'")).await;
        vendor.put(id, &json!({ "updated_at": at.as_millisecond() }));
    }
    mirror.execute("truncate users_sync.ledger").await;

    let report = mirror.reconcile(&vendor.client()).await.expect("a repair");

    let since = Timestamp::from_millisecond(silent.as_millisecond()).expect("a time");
    assert_eq!(report.counts.unannounced, 1);
    assert_eq!(report.counts.unannounced_since, Some(since));
    let stored =
        "select count(*) from users_sync.runs where kind = 'reconcile' and unannounced = 1";
    assert_eq!(mirror.count(stored).await, 1);
}

#[tokio::test]
async fn a_change_that_was_announced_in_other_words_is_no_silence() {
    let (vendor, mirror) = in_sync("clerk", 0).await;
    mirror.execute("update users_sync.runs set started_at = now() - interval '1 hour'").await;
    let user = json!({ "updated_at": ago(1200).as_millisecond() });
    let service = crate::harness::Service::start(mirror.database.url()).await;
    let body = crate::harness::body("clerk", "user.updated", "user_00000", &user).to_string();
    service.post(&crate::harness::Signed::new("clerk", body)).await;
    vendor.put("user_00000", &user);
    vendor.desk().users[0]["a_field_of_the_api_alone"] = json!(true);

    let report = mirror.reconcile(&vendor.client()).await.expect("a repair");

    assert_eq!(drift(&report), [("user_00000", Drift::Stale)]);
    assert_eq!(report.counts.unannounced, 0);
}

#[tokio::test]
async fn one_of_many_replicas_reconciles_and_another_takes_over_after_its_death() {
    let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
    vendor.enrol(["user_1"]);
    vendor.desk().silent_after = Some(0);
    let (client, mut replicas) = (Arc::new(vendor.client()), JoinSet::new());
    for _ in 0..8 {
        let (tables, client) = (mirror.tables.clone(), client.clone());
        replicas.spawn(async move { reconcile(&tables, &client, Settings::default()).await });
    }

    for _ in 0..7 {
        let refused = replicas.join_next().await.expect("a replica").expect("it does not panic");
        assert!(matches!(refused, Err(Error::Lease(lease::Error::Busy))), "{refused:?}");
    }
    let runs = async || mirror.count("select count(*) from users_sync.runs").await;
    eventually("one is at work", async || runs().await == 1).await;
    replicas.shutdown().await;
    vendor.desk().silent_after = None;
    assert!(
        matches!(mirror.reconcile(&client).await, Err(Error::Lease(lease::Error::Busy))),
        "its term still runs"
    );
    mirror.execute("update users_sync.leases set until = now() - interval '1 second'").await;
    mirror.reconcile(&client).await.expect("a repair");

    assert_eq!(runs().await, 2);
    assert_eq!(mirror.alive().await, ["user_1"]);
}
