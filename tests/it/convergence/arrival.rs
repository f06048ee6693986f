//! The way in which a history arrives, and the database and replicas that it arrives at.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::harness::{Answer, Service, Signed, TestDatabase};

/// A history of events, and one way in which it arrives.
#[derive(Clone, Debug)]
pub(super) struct Arrival<E> {
    pub(super) history: Vec<E>,
    /// Places in the history, each at least once, and which replica gets it.
    pub(super) order: Vec<(usize, bool)>,
    /// How many are sent at once.
    pub(super) at_once: usize,
}

/// Arrivals of fewer than `most` events.
pub(super) fn arrivals<E: Clone + std::fmt::Debug>(
    event: impl Strategy<Value = E>,
    most: usize,
) -> impl Strategy<Value = Arrival<E>> {
    let history = prop::collection::vec(event, 1..most);
    let repeats = prop::collection::vec(any::<Index>(), 0..10);
    (history, repeats, 1..12_usize).prop_flat_map(|(history, repeats, at_once)| {
        let mut order: Vec<_> = (0..history.len()).collect();
        order.extend(repeats.iter().map(|repeat| repeat.index(history.len())));
        let replicas = prop::collection::vec(any::<bool>(), order.len());
        (Just(order).prop_shuffle(), replicas).prop_map(move |(order, replicas)| Arrival {
            history: history.clone(),
            order: order.into_iter().zip(replicas).collect(),
            at_once,
        })
    })
}

impl<E> Arrival<E> {
    /// Posts the delivery of each event to its replica, and returns the answers.
    pub(super) async fn post(
        &self,
        delivery: impl Fn(usize) -> Signed,
        replicas: &[Arc<Service>; 2],
    ) -> Vec<Answer> {
        let mut all = Vec::new();
        for together in self.order.chunks(self.at_once) {
            let mut answers = JoinSet::new();
            for &(place, replica) in together {
                let (service, signed) = (replicas[usize::from(replica)].clone(), delivery(place));
                answers.spawn(async move { service.post(&signed).await });
            }
            all.extend(answers.join_all().await);
        }
        all
    }
}

/// The database at which the arrivals of one property meet.
pub(super) struct Lab {
    pub(super) runtime: Runtime,
    pub(super) database: TestDatabase,
    pub(super) client: Client,
}

impl Lab {
    pub(super) fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let database = runtime.block_on(TestDatabase::new());
        let client = runtime.block_on(database.client());
        Self { runtime, database, client }
    }

    pub(super) fn replicas(&self) -> [Arc<Service>; 2] {
        let start = || self.runtime.block_on(Service::start(self.database.url()));
        [Arc::new(start()), Arc::new(start())]
    }
}
