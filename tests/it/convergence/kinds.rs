//! The law over histories of every kind, of two sources that share no ids or all of them.

mod history;
mod oracle;

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::sync::Mutex;
use tokio_postgres::Client;
use users_sync::db::apply::Judgement;
use users_sync::db::session::Session;
use users_sync::sync::batch::Batch;
use uuid::Uuid;

use super::arrival::{Arrival, Lab, arrivals};
use crate::harness::conninfo;
use history::{Event, Sent, World, event};
use oracle::{found, journal, named, outcome, rows};

/// Delivers each arrival, and holds what is in the tables then against the law.
fn assert_law(
    lab: &Lab,
    cases: u32,
    shares_ids: bool,
    deliver: impl AsyncFn(&Arrival<Event>, &[Sent]) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&arrivals(event(), 24), |arrival| {
        let world = World { case: Uuid::new_v4().simple().to_string(), shares_ids };
        let events = arrival.history.iter().enumerate();
        let sent: Vec<_> = events.map(|(place, event)| world.sent(place, event)).collect();
        lab.runtime.block_on(async {
            deliver(&arrival, &sent).await?;
            assert_tables(&lab.client, &world, &sent).await
        })
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

async fn assert_tables(client: &Client, world: &World, sent: &[Sent]) -> Result<(), TestCaseError> {
    let found = found(client, &world.case).await;
    // The first owner wins, and which one was first the ledger alone knows.
    let owner = |entity: &_| found.get(entity).map(|row| row.owner.clone());
    prop_assert_eq!(&found, &rows(sent, owner));

    let journal = journal(client, sent).await;
    prop_assert_eq!(journal.len(), sent.len());
    for (sent, (outcome, first, further)) in sent.iter().zip(journal) {
        let is_foreign = sent.says.iter().any(|said| found[&said.entity].owner != said.source);
        prop_assert_eq!(is_foreign, outcome == "quarantined");
        prop_assert!(!is_foreign || world.shares_ids);
        let names = if is_foreign { (None, Vec::new()) } else { named(sent) };
        prop_assert_eq!((first, further), names);
    }
    Ok(())
}

#[test]
fn any_arrival_of_every_kind_at_two_replicas_ends_in_the_same_tables() {
    let lab = Lab::new();
    let replicas = lab.replicas();

    assert_law(&lab, 40, false, async |arrival, sent| {
        for answer in arrival.post(|place| sent[place].signed.clone(), &replicas).await {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        Ok(())
    });
}

#[test]
fn two_sources_that_share_ids_end_with_what_each_owner_said() {
    let lab = Lab::new();
    let replicas = lab.replicas();

    assert_law(&lab, 40, true, async |arrival, sent| {
        for answer in arrival.post(|place| sent[place].signed.clone(), &replicas).await {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        Ok(())
    });
}

/// Writes the arrival batch by batch, and holds the outcome of each delivery against the law.
async fn write(
    arrival: &Arrival<Event>,
    sent: &[Sent],
    session: &mut Session,
) -> Result<(), TestCaseError> {
    let mut arrived = Vec::new();
    let mut known = HashSet::new();
    for together in arrival.order.chunks(arrival.at_once) {
        let deliveries = || together.iter().map(|(place, _)| &sent[*place]);
        let decoded: Vec<_> = deliveries().map(|sent| sent.signed.decoded()).collect();
        let batch = Batch::of(&decoded, false);
        let applied = session.apply(&batch.claims, &batch.entries, Duration::from_secs(5)).await;
        let applied = applied.expect("the batch is applied");

        arrived.extend(deliveries());
        let rows = rows(arrived.iter().copied(), |_| None);
        for (sent, judgement) in deliveries().zip(batch.judgements(&applied.judgements)) {
            let is_first = known.insert(sent.signed.id.as_str());
            let expected = if is_first { outcome(sent, &rows) } else { "duplicate" };
            let Judgement::Journaled(outcome) = judgement else {
                return Err(TestCaseError::fail(format!("{judgement:?}")));
            };
            prop_assert_eq!(outcome.as_str(), expected, "{:?}", sent.says);
        }
    }
    Ok(())
}

#[test]
fn any_split_of_every_kind_into_batches_ends_in_the_same_tables() {
    let lab = Lab::new();

    let conninfo = conninfo(lab.database.url());
    let pool = conninfo.pool(1).expect("a pool");
    // One for all cases: a session plans the statement once.
    let session = Mutex::new(Session::new(conninfo, pool, Duration::from_secs(30)));

    assert_law(&lab, 100, false, async |arrival, sent| {
        write(arrival, sent, &mut *session.lock().await).await
    });
}
