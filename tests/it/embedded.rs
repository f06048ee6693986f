//! The embedded server, through its front door and, where a process matters, the real program.

mod failures;
mod private;
mod service;

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use users_sync::embedded::{default_data_dir, running};
use users_sync_embedded::{Embedded, Postmaster, Settings};

use crate::harness::{Scratch, connect, settings};

const TABLE: &str = "create table kept as select 1 as n";
const READ: &str = "select n from kept";

fn data(data_dir: &Path) -> std::path::PathBuf {
    fs::canonicalize(data_dir).expect("it was made").join("postgres/data")
}

async fn start(data_dir: &Path) -> Embedded {
    Embedded::start(&settings(data_dir)).await.unwrap_or_else(|err| panic!("{err}"))
}

async fn setting(url: &str, name: &str) -> String {
    let row = connect(url).await.query_one(&format!("show {name}"), &[]).await;
    row.expect("a setting of Postgres").get(0)
}

#[tokio::test]
async fn the_first_start_makes_a_durable_database_that_only_its_socket_reaches() {
    let scratch = Scratch::new().await;

    let embedded = start(&scratch.path().join("new/data")).await;

    let url = embedded.url();
    assert!(url.starts_with("postgresql://postgres@/users_sync?host=%2F"), "{url}");
    assert_eq!(setting(&url, "fsync").await, "on");
    assert_eq!(setting(&url, "synchronous_commit").await, "on");
    assert_eq!(setting(&url, "listen_addresses").await, "");
    assert_eq!(setting(&url, "server_encoding").await, "UTF8");
    let socket_dir = setting(&url, "unix_socket_directories").await;
    let socket_dir = fs::metadata(socket_dir.trim_matches('"')).expect("it is there");
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    embedded.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_database_may_have_any_name() {
    let scratch = Scratch::new().await;
    let name = r#"it's 100 % "mine"/ours?"#;
    let settings = Settings { database: name.to_owned(), ..settings(scratch.path()) };

    let embedded = Embedded::start(&settings).await.unwrap_or_else(|err| panic!("{err}"));

    let client = connect(&embedded.url()).await;
    let row = client.query_one("select current_database()::text", &[]).await;
    assert_eq!(row.expect("it answers").get::<_, &str>(0), name);
    embedded.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_stopping_leaves_no_server() {
    let scratch = Scratch::new().await;
    let embedded = start(scratch.path()).await;
    connect(&embedded.url()).await.batch_execute(TABLE).await.expect("it is empty");

    embedded.stop().await.expect("it stops");

    assert_eq!(Postmaster::recorded(&data(scratch.path())), None);
    let embedded = start(scratch.path()).await;
    let kept = connect(&embedded.url()).await.query_one(READ, &[]).await;
    assert_eq!(kept.expect("it was kept").get::<_, i32>(0), 1);
    embedded.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_server_is_found_through_its_directory_while_it_runs() {
    let scratch = Scratch::new().await;
    assert_eq!(running(scratch.path()), None);

    let embedded = start(scratch.path()).await;

    assert_eq!(running(scratch.path()), Some(embedded.url()));
    embedded.stop().await.expect("it stops");
    assert_eq!(running(scratch.path()), None);
}

#[tokio::test]
async fn a_directory_too_deep_for_a_socket_gets_a_short_one_that_goes_with_the_server() {
    let scratch = Scratch::new().await;
    let deep = scratch.path().join("d".repeat(100));

    let embedded = start(&deep).await;

    let socket_dir = setting(&embedded.url(), "unix_socket_directories").await;
    let socket_dir = Path::new(socket_dir.trim_matches('"'));
    assert!(!socket_dir.starts_with(scratch.path()));
    assert_eq!(fs::metadata(socket_dir).expect("it is there").mode() & 0o777, 0o700);
    embedded.stop().await.expect("it stops");
    assert!(!socket_dir.exists());
}

#[test]
fn root_keeps_its_data_where_the_servers_user_can_go_and_others_in_their_home() {
    let dir = |is_root, xdg: Option<&str>, home: Option<&str>| {
        default_data_dir(is_root, xdg.map(Into::into), home.map(Into::into))
    };

    assert_eq!(dir(true, None, Some("/root")), Some("/var/lib/users-sync".into()));
    assert_eq!(dir(false, Some("/x"), Some("/home/a")), Some("/x/users-sync".into()));
    assert_eq!(
        dir(false, Some("relative"), Some("/home/a")),
        Some("/home/a/.local/share/users-sync".into())
    );
    assert_eq!(dir(false, None, None), None);
}
