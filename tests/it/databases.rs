//! What the other tests rely on: private databases, and servers that a test can kill.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{PrivateServer, TestDatabase, eventually};

const NAME: &str = "select current_database()";

#[tokio::test]
async fn each_test_has_a_private_database() {
    let (one, other) = tokio::join!(TestDatabase::new(), TestDatabase::new());

    one.client().await.batch_execute("create table only_here ()").await.expect("the test owns it");

    assert_ne!(one.url(), other.url());
    let seen = other.client().await.query_opt("select from only_here", &[]).await;
    assert!(seen.is_err(), "a table of one database is seen in another");
}

#[tokio::test]
async fn a_template_is_filled_once_and_every_copy_has_its_tables() {
    static FILLED: AtomicU32 = AtomicU32::new(0);
    let fill = async |url: String| {
        FILLED.fetch_add(1, Ordering::Relaxed);
        let database = crate::harness::connect(&url).await;
        database.batch_execute("create table filled (n int)").await.expect("it is empty");
    };
    let hash = uuid::Uuid::new_v4().simple().to_string();

    let (one, other) = tokio::join!(
        TestDatabase::copy_of_template(&hash, fill),
        TestDatabase::copy_of_template(&hash, fill),
    );

    assert_eq!(FILLED.load(Ordering::Relaxed), 1);
    for database in [one, other] {
        let rows = database.client().await.query("select n from filled", &[]).await;
        assert_eq!(rows.expect("the table was copied").len(), 0);
    }
}

#[tokio::test]
async fn a_database_is_dropped_after_its_test_even_with_a_connected_client() {
    let watch = TestDatabase::empty().await;
    let database = TestDatabase::empty().await;
    let client = database.client().await;
    let name: String = client.query_one(NAME, &[]).await.expect("it answers").get(0);

    drop(database);

    let sql = "select from pg_database where datname = $1";
    let left = watch.client().await.query(sql, &[&name]).await.expect("it answers");
    assert_eq!(left.len(), 0);
    eventually("the client is disconnected", async || client.is_closed()).await;
}

#[tokio::test]
async fn a_killed_private_server_keeps_committed_data() {
    let mut server = PrivateServer::start_with(&[("fsync", "on")]).await;
    let client = server.client().await;
    client.batch_execute("create table kept as select 1 as n").await.expect("the test owns it");

    server.kill9().await;

    assert!(tokio_postgres::connect(server.url(), tokio_postgres::NoTls).await.is_err());
    server.start_again().await;
    let kept = server.client().await.query_one("select n from kept", &[]).await;
    assert_eq!(kept.expect("the table is there").get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_private_server_can_stop_and_start_again() {
    let mut server = PrivateServer::start().await;
    let client = server.client().await;

    server.stop().await;

    eventually("its clients notice", async || client.is_closed()).await;
    server.start_again().await;
    server.client().await.query_one("select 1", &[]).await.expect("it is back");
}
