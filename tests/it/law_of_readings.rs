//! What the provider's API says, among deliveries: the law decides in either order.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use users_sync::db::apply::Changed;
use users_sync::model::{
    Change, DeliveryId, Effect, Key, Profile, RawJson, Reading, Record, User, Version,
};

use crate::harness::{Mirror, Row};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("a time")
}

/// A snapshot that is named after its version.
fn snapshot(second: i64, delivery: &str) -> Reading {
    let delivery = DeliveryId::new(delivery).expect("an id");
    let name = format!("{second} {delivery}");
    let record = Record {
        key: Key::user("user_1"),
        raw: RawJson(format!("{{\"id\": \"user_1\", \"name\": \"{name}\"}}").into()),
        profile: Profile::User(User { name: Some(name), email: None }),
        created_at: None,
        updated_at: Some(at(second)),
        disabled: false,
    };
    let version = Version { at: at(second), delivery };
    let change = Change::Snapshot { version, record, fence: None };
    Reading { source: "clerk".into(), change }
}

fn deletion(second: i64) -> Reading {
    let change = Change::Deleted { key: Key::user("user_1"), at: at(second) };
    Reading { source: "clerk".into(), change }
}

fn confirmed(second: i64, fence: i64) -> Reading {
    let Reading { source, change } = snapshot(second, "~confirmed");
    Reading { source, change: change.fenced(Some(at(fence))) }
}

async fn row(mirror: &Mirror) -> Row {
    mirror.rows().await.remove("user_1").expect("a row")
}

#[tokio::test]
async fn the_word_of_the_api_wins_a_tie() {
    let mirror = Mirror::new().await;

    mirror.accept(&[snapshot(10, "~1700000020")]).await;
    mirror.accept(&[snapshot(10, "msg_zzz")]).await;

    assert_eq!(row(&mirror).await.name.as_deref(), Some("10 ~1700000020"));
}

#[tokio::test]
async fn an_older_snapshot_of_the_api_does_not_win() {
    let mirror = Mirror::new().await;

    mirror.accept(&[snapshot(11, "msg_a")]).await;
    mirror.accept(&[snapshot(10, "~1700000020")]).await;

    assert_eq!(row(&mirror).await.name.as_deref(), Some("11 msg_a"));
}

#[tokio::test]
async fn a_reading_of_a_deleted_user_fills_the_profile_without_restoring_it() {
    let mirror = Mirror::new().await;

    mirror.accept(&[deletion(5)]).await;
    mirror.accept(&[snapshot(10, "~1700000020")]).await;

    let row = row(&mirror).await;
    assert_eq!(row.deleted_at, Some(at(5)));
    assert_eq!(row.name.as_deref(), Some("10 ~1700000020"));
}

#[tokio::test]
async fn a_confirmed_user_comes_back_and_deletions_from_before_are_stale() {
    let mirror = Mirror::new().await;
    mirror.accept(&[snapshot(1, "msg_a")]).await;
    mirror.accept(&[deletion(5)]).await;

    let changed = mirror.accept(&[confirmed(10, 20)]).await;

    assert_eq!(changed, [Changed { key: Key::user("user_1"), effect: Effect::Restored }]);
    assert_eq!(row(&mirror).await.deleted_at, None);
    assert_eq!(mirror.accept(&[deletion(19)]).await, []);
    assert_eq!(row(&mirror).await.deleted_at, None);
    mirror.accept(&[deletion(20)]).await;
    assert_eq!(row(&mirror).await.deleted_at, Some(at(20)));
}

#[tokio::test]
async fn a_commit_reports_its_changes() {
    let mirror = Mirror::new().await;
    let reported = async |reading: Reading| {
        let changed = mirror.accept(&[reading]).await;
        changed.into_iter().map(|changed| changed.effect).collect::<Vec<_>>()
    };

    assert_eq!(reported(snapshot(1, "msg_a")).await, [Effect::Created]);
    assert_eq!(reported(snapshot(2, "msg_b")).await, [Effect::Updated]);
    assert_eq!(reported(snapshot(2, "msg_b")).await, []);
    assert_eq!(reported(snapshot(1, "msg_a")).await, []);
    assert_eq!(reported(deletion(3)).await, [Effect::Deleted]);
    assert_eq!(reported(confirmed(4, 5)).await, [Effect::Restored]);
}

/// What must be there in the end: the law, said once more and simply.
fn expected(history: &[Reading]) -> (Option<Version>, Option<Timestamp>) {
    let version = |reading: &Reading| match &reading.change {
        Change::Snapshot { version, .. } => Some(version.clone()),
        Change::Deleted { .. } => None,
    };
    let deletion = |reading: &Reading| match reading.change {
        Change::Deleted { at, .. } => Some(at),
        Change::Snapshot { .. } => None,
    };
    let fence = |reading: &Reading| match reading.change {
        Change::Snapshot { fence, .. } => fence,
        Change::Deleted { .. } => None,
    };
    let fence = history.iter().filter_map(fence).max();
    let stands = |at: &Timestamp| fence.is_none_or(|fence| *at >= fence);
    let deletions = || history.iter().filter_map(deletion);
    let deleted_at = deletions().min().filter(stands).or(deletions().max().filter(stands));
    (history.iter().filter_map(version).max(), deleted_at)
}

fn any_reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        4 => (0..6_i64, "[a-c]").prop_map(|(at, delivery)| snapshot(at, &format!("msg_{delivery}"))),
        2 => (0..6_i64, 0..3_i64).prop_map(|(at, fence)| snapshot(at, &format!("~{fence}"))),
        2 => (0..6_i64).prop_map(deletion),
        1 => (0..6_i64, 0..6_i64).prop_map(|(at, fence)| confirmed(at, fence)),
    ]
}

/// A history, and how it is cut into batches.
fn any_history() -> impl Strategy<Value = (Vec<Reading>, usize)> {
    (prop::collection::vec(any_reading(), 1..10), 1..4_usize)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_repetition_and_batching_of_changes_and_readings_end_in_the_same_row() {
    let mirror = Mirror::new().await;
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let handle = tokio::runtime::Handle::current();

    let holds = runner.run(&any_history(), |(history, size)| {
        let (found, version) =
            tokio::task::block_in_place(|| handle.block_on(end(&mirror, &history, size)));
        let (greatest, deleted_at) = expected(&history);
        prop_assert_eq!(version, greatest.clone().map(|version| version.at));
        prop_assert_eq!(found.deleted_at, deleted_at);
        let name = greatest.map(|Version { at: a, delivery }| {
            format!("{} {delivery}", a.duration_since(at(0)).as_secs())
        });
        prop_assert_eq!(found.name, name);
        Ok(())
    });

    assert!(holds.is_ok(), "{holds:?}");
}

/// The row and the ledger's version after a history in batches of this size, from an empty table.
async fn end(mirror: &Mirror, history: &[Reading], size: usize) -> (Row, Option<Timestamp>) {
    mirror.execute("truncate users_sync.ledger, neon_auth.users_sync").await;
    for batch in history.chunks(size) {
        mirror.accept(batch).await;
    }
    let sql = "select version_at from users_sync.ledger";
    let version = mirror.database.client().await.query_one(sql, &[]).await;
    (row(mirror).await, version.expect("a row of the ledger").get(0))
}

#[tokio::test]
async fn a_purged_user_does_not_come_back_by_a_reading() {
    let mirror = Mirror::new().await;
    mirror.accept(&[snapshot(1, "msg_a"), deletion(2)]).await;
    mirror
        .execute("delete from neon_auth.users_sync; update users_sync.ledger set purged_at = now()")
        .await;

    assert_eq!(mirror.accept(&[confirmed(10, 20)]).await, []);

    assert!(mirror.rows().await.is_empty());
}
