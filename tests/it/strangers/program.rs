//! The real program, under 1,100 connections of each kind.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use users_sync::http::server::raise_open_files_limit;

use super::created;
use super::hostile::{Crowd, Kind};
use crate::harness::{Program, SECRET, Scratch, TestDatabase, Wire};

/// More than the service takes.
const CROWD: usize = 1_100;
const DELIVERIES: usize = 20;

async fn withstands(kind: Kind) {
    raise_open_files_limit();
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("ADMIN_TOKEN", "a token that nobody guesses"),
        ("RUST_LOG", "error"),
    ];
    let mut program = Program::serve(scratch.path(), &variables).await;
    let crowd = Crowd::gather(program.address, kind, CROWD).await;

    let mut taken = 0;
    for n in 0..DELIVERIES {
        let delivered = deliver(program.address, n);
        let in_time = tokio::time::timeout(Duration::from_secs(3), delivered).await;
        taken += usize::from(in_time == Ok(Some(200)));
    }
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

/// The most memory that it had, in KiB.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux has it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
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
    it_withstands_a_thousand_who_say_nothing: Silent,
    it_withstands_a_thousand_half_heads: HalfHead,
    it_withstands_a_thousand_half_forms: HalfForm,
    it_withstands_a_thousand_half_bodies_that_look_signed: HalfBody,
    it_withstands_a_thousand_who_rest: Rests,
    it_withstands_a_thousand_half_heads_behind_a_request: HalfHeadBehind,
    it_withstands_a_thousand_who_never_read: NeverReads,
    it_withstands_a_thousand_who_guess_the_token: Guesses,
}
