//! The real program, under 1,100 connections of each kind.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::sync::Mutex;
use users_sync::http::server::raise_open_files_limit;

use super::created;
use super::hostile::{Crowd, Kind};
use crate::harness::{Program, SECRET, Scratch, TestDatabase, Wire};

/// More than the service accepts.
const CROWD: usize = 1_100;
const DELIVERIES: usize = 20;

/// A crowd uses all cores of a machine for a moment, so the crowds run one after the other.
static TURN: Mutex<()> = Mutex::const_new(());

async fn withstands(kind: Kind) {
    let _turn = TURN.lock().await;
    raise_open_files_limit();
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("ADMIN_TOKEN", "a token that is hard to guess"),
        ("RUST_LOG", "error"),
    ];
    let mut program = Program::serve(scratch.path(), &variables).await;
    let crowd = Crowd::gather(program.address, kind, CROWD).await;

    let in_time = |n| tokio::time::timeout(Duration::from_secs(3), deliver(program.address, n));
    let answers = join_all((0..DELIVERIES).map(in_time)).await;
    let taken = answers.iter().filter(|answer| **answer == Ok(Some(200))).count();
    let peak = peak_memory(program.pid());
    let signalled = Instant::now();
    program.signal(Signal::TERM);
    let code = tokio::time::timeout(Duration::from_secs(15), program.ended()).await;
    drop(crowd);

    assert!(taken * 100 >= DELIVERIES * 95, "{taken} of {DELIVERIES} deliveries were taken");
    assert!(peak < 150 << 10, "{peak} KiB");
    assert_eq!(code, Ok(Some(0)), "after {:?}", signalled.elapsed());
}

async fn deliver(address: std::net::SocketAddr, n: usize) -> Option<u16> {
    let mut wire = Wire::try_open(address).await?;
    wire.try_send(created(&format!("user_{n}")).request()).await.ok()?;
    wire.try_response().await.map(|answer| answer.status)
}

/// Its peak memory, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux has it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[tokio::test]
async fn it_closes_connections_if_few_files_may_be_open() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let program = Program::serve_with_files(200, scratch.path(), &variables).await;
    let crowd = Crowd::gather(program.address, Kind::Rests, 300).await;

    let delivered = tokio::time::timeout(Duration::from_secs(5), deliver(program.address, 1)).await;

    drop(crowd);
    assert_eq!(delivered, Ok(Some(200)));
    program.stop().await;
}

macro_rules! withstands {
    ($($name:ident: $kind:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            withstands(Kind::$kind).await;
        })*
    };
}

withstands! {
    it_withstands_a_thousand_silent_connections: Silent,
    it_withstands_a_thousand_half_heads: HalfHead,
    it_withstands_a_thousand_half_forms: HalfForm,
    it_withstands_a_thousand_half_bodies_that_look_signed: HalfBody,
    it_withstands_a_thousand_idle_connections: Rests,
    it_withstands_a_thousand_half_heads_after_a_request: HalfHeadBehind,
    it_withstands_a_thousand_clients_that_never_read: NeverReads,
    it_withstands_a_thousand_token_guesses: Guesses,
    it_withstands_a_thousand_readiness_probes: Probes,
}
