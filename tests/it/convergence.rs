//! The law: the tables are a function of the set of changes, whatever the order, the repetition, the batches and the replicas.

mod arrival;
mod kinds;

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use tokio_postgres::Client;
use users_sync::db::session::Session;
use users_sync::sync::batch::Batch;
use uuid::Uuid;

use crate::harness::{Signed, body, conninfo};
use arrival::{Arrival, Lab, arrivals};

/// Few users and few points in time, so that ties and late deletions are the rule.
const USERS: usize = 3;
const FIRST: i64 = 1_750_000_000_000;
const STEP: i64 = 1_500;

#[derive(Clone, Debug)]
struct Event {
    user: usize,
    at: i64,
    what: What,
    /// The last part of the delivery's id: it decides between two snapshots of the same time.
    tie: String,
}

#[derive(Clone, Debug)]
enum What {
    Snapshot { name: String, banned: bool },
    Deleted,
}

/// A row of the mirror beside its ledger.
#[derive(Debug, PartialEq)]
struct Row {
    user: usize,
    name: Option<String>,
    updated_at: Option<Timestamp>,
    deleted_at: Option<Timestamp>,
    raw_name: Option<String>,
    version: Option<(Timestamp, String)>,
    tombstone: Option<Timestamp>,
    disabled: bool,
}

fn event() -> impl Strategy<Value = Event> {
    let snapshot =
        ("[a-z]{1,6}", any::<bool>()).prop_map(|(name, banned)| What::Snapshot { name, banned });
    let what = prop_oneof![4 => snapshot, 1 => Just(What::Deleted)];
    (0..USERS, 0..6_i64, what, "[A-Za-z0-9]{4}").prop_map(|(user, step, what, tie)| Event {
        user,
        at: FIRST + step * STEP,
        what,
        tie,
    })
}

/// The law, said once more and as plainly as it can be.
fn expected(history: &[Event], ids: &[String]) -> Vec<Row> {
    let of = |user: usize| history.iter().zip(ids).filter(move |(event, _)| event.user == user);
    let time = |at: i64| Timestamp::from_millisecond(at).expect("a time");
    let users = (0..USERS).filter(|user| of(*user).next().is_some());
    let row = |user: usize| {
        let tombstone = of(user)
            .filter(|(event, _)| matches!(event.what, What::Deleted))
            .map(|(event, _)| time(event.at))
            .min();
        let winner = of(user)
            .filter_map(|(event, id)| match &event.what {
                What::Snapshot { name, banned } => {
                    Some((time(event.at), id.clone(), name, *banned))
                }
                What::Deleted => None,
            })
            .max();
        let name = winner.as_ref().map(|(_, _, name, _)| (*name).clone());
        Row {
            user,
            updated_at: winner.as_ref().map(|(at, ..)| *at),
            deleted_at: tombstone,
            raw_name: name.clone(),
            name,
            disabled: winner.as_ref().is_some_and(|(.., banned)| *banned),
            version: winner.map(|(at, id, ..)| (at, id)),
            tombstone,
        }
    };
    users.map(row).collect()
}

fn delivery(event: &Event, case: &str, id: &str) -> Signed {
    let user = format!("user_{case}_{}", event.user);
    let (event_type, data) = match &event.what {
        What::Snapshot { name, banned } => (
            "user.updated",
            json!({ "first_name": name, "last_name": null, "banned": banned, "updated_at": event.at }),
        ),
        What::Deleted => ("user.deleted", json!({})),
    };
    let mut body = body("clerk", event_type, &user, &data);
    body["timestamp"] = json!(event.at);
    Signed::new("clerk", body.to_string()).with_id(id)
}

async fn rows(client: &Client, case: &str) -> Vec<Row> {
    let found = client
        .query(
            "select right(l.id, 1)::integer, u.name, u.updated_at, u.deleted_at, u.raw_json ->> 'first_name',
                 l.version_at, l.version_delivery, l.deleted_at, l.disabled
             from neon_auth.users_sync u
             full join users_sync.ledger l on l.kind = 'user' and l.id = u.id
             where starts_with(coalesce(u.id, l.id), $1)
             order by 1",
            &[&format!("user_{case}_")],
        )
        .await
        .expect("the tables can be read");
    let row = |row: &tokio_postgres::Row| Row {
        user: usize::try_from(row.get::<_, i32>(0)).expect("a user's number"),
        name: row.get(1),
        updated_at: row.get(2),
        deleted_at: row.get(3),
        raw_name: row.get(4),
        version: row.get::<_, Option<Timestamp>>(5).zip(row.get(6)),
        tombstone: row.get(7),
        disabled: row.get(8),
    };
    found.iter().map(row).collect()
}

/// Holds what is in the tables after each arrival against the law.
fn assert_law(lab: &Lab, cases: u32, deliver: impl AsyncFn(&Arrival<Event>, &[Signed])) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&arrivals(event(), 16), |arrival| {
        let case = Uuid::new_v4().simple().to_string();
        let events = || arrival.history.iter();
        let id = |(place, event): (usize, &Event)| format!("msg_{}{case}{place}", event.tie);
        let ids: Vec<_> = events().enumerate().map(id).collect();
        let deliveries: Vec<_> =
            events().zip(&ids).map(|(event, id)| delivery(event, &case, id)).collect();

        let found = lab.runtime.block_on(async {
            deliver(&arrival, &deliveries).await;
            rows(&lab.client, &case).await
        });

        prop_assert_eq!(found, expected(&arrival.history, &ids));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn any_arrival_of_a_history_at_two_replicas_ends_in_the_same_tables() {
    let lab = Lab::new();
    let replicas = lab.replicas();

    assert_law(&lab, 100, async |arrival, deliveries| {
        for answer in arrival.post(|place| deliveries[place].clone(), &replicas).await {
            assert!(["applied", "stale", "duplicate"].contains(&answer.outcome()));
        }
    });
}

#[test]
fn any_split_of_a_history_into_batches_ends_in_the_same_tables() {
    let lab = Lab::new();

    assert_law(&lab, 200, async |arrival, deliveries| {
        let conninfo = conninfo(lab.database.url());
        let pool = conninfo.pool(1).expect("a pool");
        let mut session = Session::new(conninfo, pool, Duration::from_secs(30));
        for together in arrival.order.chunks(arrival.at_once) {
            let decoded: Vec<_> =
                together.iter().map(|(place, _)| deliveries[*place].decoded()).collect();
            let batch = Batch::of(&decoded, false);
            let applied =
                session.apply(&batch.claims, &batch.entries, Duration::from_secs(5)).await;
            applied.expect("the batch is applied");
        }
    });
}
