//! Connections that something in the middle cut without a word.
#![cfg(target_os = "linux")]

use std::fs;

use tokio::net::TcpListener;
use users_sync::config::PROGRAM;
use users_sync_conninfo::Conninfo;

use crate::harness::eventually;

/// Seconds until the kernel probes our end of a connection to this port; `None` where it will not.
fn next_probe(port: u16) -> Option<u64> {
    let sockets = fs::read_to_string("/proc/net/tcp").expect("Linux shows its sockets");
    let ours = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let socket = ours.into_iter().find(|socket| socket[2].ends_with(&format!(":{port:04X}")))?;
    let (timer, ticks) = socket[5].split_once(':')?;
    let seconds = u64::from_str_radix(ticks, 16).expect("a number") / 100;
    (timer == "02").then_some(seconds)
}

/// What is seen of a session with these parameters, at a server that takes it and never answers.
async fn probed_within(parameters: &str) -> u64 {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = silent.local_addr().expect("a bound address").port();
    let url = format!("postgres://app@127.0.0.1:{port}/app?sslmode=disable{parameters}");
    let conninfo = Conninfo::parse(&url, PROGRAM, &|_| None).expect("a good URL");
    let connecting = tokio::spawn(async move { conninfo.connect().await.is_ok() });
    let _taken = silent.accept().await.expect("it connects");

    let mut seconds = None;
    eventually("the kernel will probe the connection", async || {
        seconds = next_probe(port);
        seconds.is_some()
    })
    .await;
    connecting.abort();
    seconds.expect("it was seen")
}

#[tokio::test]
async fn a_silent_connection_is_probed_within_a_minute_unless_the_url_says_otherwise() {
    let by_default = probed_within("").await;
    let as_said = probed_within("&keepalives_idle=600").await;

    assert!(by_default <= 60, "{by_default} s");
    assert!((60..=600).contains(&as_said), "{as_said} s");
}
