//! The law over histories of every kind, of two sources that share no ids or all of them.

mod history;
mod oracle;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use users_sync::db::apply::Judgement;
use users_sync::db::session::Session;
use users_sync::sync::batch::Batch;
use uuid::Uuid;

use crate::harness::{Service, TestDatabase, conninfo};
use history::{Arrival, Sent, World, arrival};
use oracle::{found, journal, named, outcome, rows};

/// What decides where the arrivals of one property go.
struct Lab {
    runtime: Runtime,
    database: TestDatabase,
    client: Client,
}

impl Lab {
    fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let database = runtime.block_on(TestDatabase::new());
        let client = runtime.block_on(database.client());
        Self { runtime, database, client }
    }

    fn replicas(&self) -> [Arc<Service>; 2] {
        let start = || self.runtime.block_on(Service::start(self.database.url()));
        [Arc::new(start()), Arc::new(start())]
    }

    /// Delivers each arrival, and holds what is in the tables then against the law.
    fn assert_law(
        &self,
        cases: u32,
        shares_ids: bool,
        deliver: impl AsyncFn(&Arrival, &[Sent]) -> Result<(), TestCaseError>,
    ) {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&arrival(), |arrival| {
            let world = World { case: Uuid::new_v4().simple().to_string(), shares_ids };
            let events = arrival.history.iter().enumerate();
            let sent: Vec<_> = events.map(|(place, event)| world.sent(place, event)).collect();
            self.runtime.block_on(async {
                deliver(&arrival, &sent).await?;
                self.assert_tables(&world, &sent).await
            })
        });
        result.unwrap_or_else(|failure| panic!("{failure}"));
    }

    async fn assert_tables(&self, world: &World, sent: &[Sent]) -> Result<(), TestCaseError> {
        let found = found(&self.client, &world.case).await;
        // The first owner wins, and which one was first the ledger alone knows.
        let owner = |entity: &_| found.get(entity).map(|row| row.owner.clone());
        prop_assert_eq!(&found, &rows(sent, owner));

        let journal = journal(&self.client, sent).await;
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
}

async fn post(arrival: &Arrival, sent: &[Sent], replicas: &[Arc<Service>; 2]) {
    for together in arrival.order.chunks(arrival.at_once) {
        let mut answers = JoinSet::new();
        for &(place, replica) in together {
            let (service, signed) =
                (replicas[usize::from(replica)].clone(), sent[place].signed.clone());
            answers.spawn(async move { service.post(&signed).await });
        }
        for answer in answers.join_all().await {
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
}

#[test]
fn any_arrival_of_every_kind_at_two_replicas_ends_in_the_same_tables() {
    let lab = Lab::new();
    let replicas = lab.replicas();

    lab.assert_law(40, false, async |arrival, sent| {
        post(arrival, sent, &replicas).await;
        Ok(())
    });
}

#[test]
fn two_sources_that_share_ids_end_with_what_each_owner_said() {
    let lab = Lab::new();
    let replicas = lab.replicas();

    lab.assert_law(40, true, async |arrival, sent| {
        post(arrival, sent, &replicas).await;
        Ok(())
    });
}

/// Writes the arrival batch by batch, and holds the outcome of each delivery against the law.
async fn write(
    arrival: &Arrival,
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

    lab.assert_law(100, false, async |arrival, sent| {
        write(arrival, sent, &mut *session.lock().await).await
    });
}
