//! Connections that break and servers that stop while deliveries arrive.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_postgres::Client;
use users_sync::sync;

use super::{created, raise_at_commit};
use crate::harness::{
    PrivateServer, Service, ServiceSettings, Signed, TestDatabase, conninfo, eventually,
};

/// Senders that post new users, one after the other, until the test stops them.
struct Load {
    service: Arc<Service>,
    ending: Arc<AtomicBool>,
    senders: JoinSet<Vec<(Signed, u16)>>,
}

impl Load {
    fn start(service: Service) -> Self {
        let (service, ending) = (Arc::new(service), Arc::new(AtomicBool::new(false)));
        let mut senders = JoinSet::new();
        for sender in 0..8 {
            let (service, ending) = (service.clone(), ending.clone());
            senders.spawn(async move {
                let mut answered = Vec::new();
                while !ending.load(Ordering::Relaxed) {
                    let user = created(&format!("user_{sender}_{}", answered.len()));
                    let status = service.post(&user).await.status;
                    answered.push((user, status));
                }
                answered
            });
        }
        Self { service, ending, senders }
    }

    async fn end(self) -> (Arc<Service>, Vec<(Signed, u16)>) {
        self.ending.store(true, Ordering::Relaxed);
        (self.service, self.senders.join_all().await.concat())
    }
}

async fn journaled(client: &Client) -> HashSet<String> {
    let sql = "select j.delivery_id from users_sync.journal j
        join neon_auth.users_sync u on u.id = j.entity_id where j.outcome = 'applied'";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Checks that every delivery with a 2xx is in the tables, every other answer was a 503, and a retry succeeds.
async fn assert_nothing_is_lost(client: &Client, service: &Service, answered: &[(Signed, u16)]) {
    let there = journaled(client).await;
    for (user, status) in answered {
        assert!([200, 503].contains(status), "{status}");
        assert!(*status == 503 || there.contains(&user.id), "{} is lost", user.id);
    }
    let refused: Vec<_> = answered.iter().filter(|(_, status)| *status == 503).collect();
    assert!(!refused.is_empty(), "nothing was refused: the outage was none");
    for (user, _) in refused {
        assert_eq!(service.post(user).await.status, 200);
    }
    assert_eq!(journaled(client).await.len(), answered.len());
}

#[tokio::test]
async fn connections_terminated_under_load_lose_no_delivery() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let load = Load::start(Service::start(database.url()).await);

    let mut ended = 0;
    eventually("twenty were ended", async || {
        // Only busy sessions: losing an idle connection is no outage.
        let sql = "select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and application_name = 'users-sync'
                and state = 'active'";
        ended += client.query(sql, &[]).await.expect("it answers").len();
        ended >= 20
    })
    .await;
    let (service, answered) = load.end().await;

    assert_nothing_is_lost(&client, &service, &answered).await;
}

#[tokio::test]
async fn a_server_restart_under_load_loses_no_delivery() {
    let mut server = PrivateServer::start().await;
    migrate(&server).await;
    let load = Load::start(Service::start(server.url()).await);
    let client = server.client().await;
    eventually("deliveries come in", async || !journaled(&client).await.is_empty()).await;

    server.stop().await;
    let refused = async || load.service.post(&created("away")).await.status == 503;
    eventually("it is away", refused).await;
    server.start_again().await;

    let client = server.client().await;
    let before = journaled(&client).await.len();
    eventually("it recovers by itself", async || journaled(&client).await.len() > before).await;
    let (service, answered) = load.end().await;
    assert_nothing_is_lost(&client, &service, &answered).await;
}

#[tokio::test]
async fn a_server_crash_under_load_loses_no_acknowledged_delivery() {
    let mut server = PrivateServer::start_with(&[("fsync", "on"), ("autovacuum", "off")]).await;
    migrate(&server).await;
    let load = Load::start(Service::start(server.url()).await);
    let client = server.client().await;
    eventually("deliveries come in", async || journaled(&client).await.len() > 20).await;

    server.kill9().await;
    server.start_again().await;

    let client = server.client().await;
    let before = journaled(&client).await.len();
    eventually("it recovers by itself", async || journaled(&client).await.len() > before).await;
    let (service, answered) = load.end().await;
    assert_nothing_is_lost(&client, &service, &answered).await;
}

async fn migrate(server: &PrivateServer) {
    let mut client = conninfo(server.url()).connect().await.expect("it answers");
    users_sync::db::migrations::apply(&mut client).await.expect("the migrations apply");
}

#[tokio::test]
async fn a_delivery_to_a_hanging_server_gets_503_in_time() {
    let database = TestDatabase::new().await;
    let sync = sync::Limits {
        commit: Duration::from_millis(200),
        patience: Duration::from_millis(400),
        ..sync::Limits::default()
    };
    let settings = ServiceSettings { sync, ..Default::default() };
    let service = Service::start_with(database.url(), settings).await;
    let mut holder = database.client().await;
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.journal").await.expect("the table is free");

    let user = created("user_1");
    let without_a_time = Signed::new("stack", "{}").with_id("anything");
    let both = async { tokio::join!(service.post(&user), service.post(&without_a_time)) };
    let (write, read) = tokio::time::timeout(Duration::from_secs(5), both).await.expect("in time");

    assert_eq!((write.status, read.status), (503, 503), "{write:?} {read:?}");
    lock.rollback().await.expect("the transaction ends");
    // The first attempt may have waited for the lock, and committed after its sender left.
    assert_eq!(service.post(&user).await.status, 200);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_cancelled() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    raise_at_commit(&client, "perform pg_sleep(60)").await;
    let sync = sync::Limits { commit: Duration::from_millis(200), ..sync::Limits::default() };
    let settings = ServiceSettings { sync, ..Default::default() };
    let service = Service::start_with(database.url(), settings).await;

    assert_eq!(service.post(&created("bad")).await.status, 503);

    let sql = "select from pg_stat_activity where datname = current_database()
        and application_name = 'users-sync' and wait_event = 'PgSleep'";
    assert!(client.query(sql, &[]).await.expect("it answers").is_empty(), "it still runs");
    assert_eq!(service.post(&created("good")).await.outcome(), "applied");
}
