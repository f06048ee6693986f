//! How the real program ends, and what is in the tables afterwards.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_postgres::Client;
use users_sync::embedded::running;

use crate::harness::{
    Program, SECRET, Scratch, Signed, TestDatabase, Wire, body, connect, eventually, signal_to,
};

fn created(id: &str) -> Signed {
    Signed::new("clerk", body("clerk", "user.created", id, &json!({})).to_string())
}

/// Posts users from several senders until the service is gone; returns each sender's answers, `None` for a broken
/// connection.
struct Load {
    ending: Arc<AtomicBool>,
    senders: JoinSet<Vec<(String, Option<u16>)>>,
}

impl Load {
    fn start(address: std::net::SocketAddr) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let mut senders = JoinSet::new();
        for sender in 0..8 {
            let ending = ending.clone();
            senders.spawn(async move {
                let mut answers = Vec::new();
                while !ending.load(Ordering::Relaxed) && TcpStream::connect(address).await.is_ok() {
                    let id = format!("user_{sender}_{}", answers.len());
                    answers.push((id.clone(), post(address, &created(&id)).await));
                }
                answers
            });
        }
        Self { ending, senders }
    }

    async fn end(self) -> Vec<(String, Option<u16>)> {
        self.ending.store(true, Ordering::Relaxed);
        self.senders.join_all().await.concat()
    }
}

async fn post(address: std::net::SocketAddr, delivery: &Signed) -> Option<u16> {
    let mut wire = Wire::try_open(address).await?;
    wire.try_send(delivery.request()).await.ok()?;
    wire.try_response().await.map(|answer| answer.status)
}

async fn users(client: &Client) -> Vec<String> {
    let sql = "select id from neon_auth.users_sync";
    let rows = client.query(sql, &[]).await.expect("it answers");
    rows.iter().map(|row| row.get(0)).collect()
}

async fn assert_acknowledged_is_there(client: &Client, answers: &[(String, Option<u16>)]) {
    let there = users(client).await;
    assert!(answers.iter().any(|(_, status)| *status == Some(200)), "nothing was taken");
    for (id, status) in answers {
        assert!(*status != Some(200) || there.contains(id), "{id} is lost");
    }
}

fn variables(database: &TestDatabase) -> [(&str, &str); 2] {
    [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)]
}

#[tokio::test]
async fn a_service_stopped_under_load_answers_every_accepted_request_and_exits_with_0() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let client = database.client().await;
    let mut program = Program::serve(scratch.path(), &variables(&database)).await;
    let address = program.address;
    let load = Load::start(address);
    eventually("deliveries come in", async || users(&client).await.len() > 50).await;

    program.signal(Signal::TERM);

    assert_eq!(program.ended().await, Some(0));
    assert!(TcpStream::connect(address).await.is_err(), "the port still accepts connections");
    let answers = load.end().await;
    assert!(answers.iter().all(|(_, status)| matches!(status, None | Some(200))), "{answers:?}");
    assert_acknowledged_is_there(&client, &answers).await;
}

#[tokio::test]
async fn a_delivery_that_waits_for_its_commit_is_answered_before_the_exit() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let mut program = Program::serve(scratch.path(), &variables(&database)).await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");
    let mut wire = Wire::open(program.address).await;
    wire.send(created("user_1").request()).await;
    wait_for_lock(&watch).await;

    program.signal(Signal::INT);
    let closed = async || TcpStream::connect(program.address).await.is_err();
    eventually("the port is closed", closed).await;
    lock.rollback().await.expect("the transaction ends");

    assert_eq!(wire.response().await.json()["outcome"], "applied");
    assert_eq!(program.ended().await, Some(0));
    assert_eq!(users(&watch).await, ["user_1"]);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_with_1() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let mut program = Program::serve(scratch.path(), &variables(&database)).await;
    let (mut holder, watch) = (database.client().await, database.client().await);
    let lock = holder.transaction().await.expect("a transaction");
    lock.batch_execute("lock table users_sync.ledger").await.expect("the table is free");
    let mut wire = Wire::open(program.address).await;
    wire.send(created("user_1").request()).await;
    wait_for_lock(&watch).await;
    program.signal(Signal::TERM);
    let closed = async || TcpStream::connect(program.address).await.is_err();
    eventually("it drains", closed).await;

    program.signal(Signal::TERM);

    assert_eq!(program.ended().await, Some(1));
    assert!(wire.try_response().await.is_none(), "it was answered without a commit");
}

async fn wait_for_lock(client: &Client) {
    let sql = "select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let waits = async || !client.query(sql, &[]).await.expect("it answers").is_empty();
    eventually("the writer waits", waits).await;
}

#[tokio::test]
async fn a_signal_while_waiting_for_the_database_ends_it_with_0() {
    let scratch = Scratch::new().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("a bound address").port();
    drop(silent);
    let url = format!("postgres://app@127.0.0.1:{port}/none?sslmode=disable");
    let variables = [
        ("DATABASE_URL", url.as_str()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("LISTEN_ADDR", "127.0.0.1:0"),
    ];
    let (child, said) = spawn_until(&scratch, &variables, "trying again").await;

    signal_to(&child, Signal::TERM);

    let ended = child.wait_with_output().await.expect("it is our child");
    assert_eq!(ended.status.code(), Some(0), "{said}");
}

#[tokio::test]
async fn a_signal_while_the_embedded_server_starts_ends_it_with_0() {
    let scratch = Scratch::new().await;
    let data_dir = scratch.path().join("data");
    let text = data_dir.to_str().expect("it is text");
    let variables = [("USERS_SYNC_DATA_DIR", text), ("LISTEN_ADDR", "127.0.0.1:0")];
    let mut command = Program::command(scratch.path(), &["serve"], &variables);
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
    eventually("initdb is at work", async || data_dir.join("postgres").exists()).await;

    signal_to(&child, Signal::TERM);

    assert_eq!(child.wait().await.expect("it is our child").code(), Some(0));
    let program = Program::serve(scratch.path(), &variables).await;
    program.stop().await;
    assert_eq!(running(&data_dir), None);
}

/// Starts the program and waits until its log contains these words.
async fn spawn_until(
    scratch: &Scratch,
    variables: &[(&str, &str)],
    words: &str,
) -> (tokio::process::Child, String) {
    use tokio::io::AsyncReadExt;

    let mut command = Program::command(scratch.path(), &["serve"], variables);
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let stderr = child.stderr.as_mut().expect("it is piped");
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(words) {
        let read = stderr.read_buf(&mut said).await.expect("it can be read");
        assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&said));
    }
    (child, String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test]
async fn a_service_killed_with_its_server_keeps_every_acknowledged_delivery() {
    let scratch = Scratch::new().await;
    let data_dir = scratch.path().join("data");
    let text = data_dir.to_str().expect("it is text");
    let variables = [("USERS_SYNC_DATA_DIR", text), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let mut program = Program::serve(scratch.path(), &variables).await;
    let client = connect(&running(&data_dir).expect("its server runs")).await;
    let load = Load::start(program.address);
    eventually("deliveries come in", async || users(&client).await.len() > 50).await;

    program.signal(Signal::KILL);

    assert_eq!(program.ended().await, None);
    let answers = load.end().await;
    let program = Program::serve(scratch.path(), &variables).await;
    let client = connect(&running(&data_dir).expect("its server runs")).await;
    assert_acknowledged_is_there(&client, &answers).await;
    drop(client);
    program.stop().await;
}
