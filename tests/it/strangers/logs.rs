//! What strangers can write into the log: something, but not much.

use std::net::SocketAddr;
use std::process::Stdio;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::created;
use crate::harness::{Program, SECRET, Scratch, TestDatabase, Wire, signal_to};

/// Sends each of these requests this often, and returns the log.
async fn log_of(requests: &[Vec<u8>], often: usize) -> String {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("ADMIN_TOKEN", "a token that is hard to guess"),
        ("PORT", "0"),
    ];
    let mut command = Program::command(scratch.path(), &["serve"], &variables);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).await.expect("it is text");
    let address = line.trim().rsplit('/').next().and_then(|address| address.parse().ok());
    let address: SocketAddr = address.expect("it says where it listens");
    let mut stderr = child.stderr.take().expect("it is piped");
    let asked = async {
        for request in requests.iter().flat_map(|request| std::iter::repeat_n(request, often)) {
            let mut wire = Wire::open(address).await;
            wire.send(request).await;
            assert!((400..500).contains(&wire.response().await.status));
        }
        signal_to(&child, Signal::TERM);
    };
    let mut said = String::new();
    // The log is read while it is written: a full pipe would block the program.
    let (read, ()) = tokio::join!(stderr.read_to_string(&mut said), asked);
    read.expect("its output is text");
    said
}

fn lines(log: &str, with: &str) -> usize {
    log.lines().filter(|line| line.contains(with)).count()
}

#[tokio::test]
async fn wrong_tokens_are_logged_without_their_text_and_only_some_times() {
    let bearer = "GET /api/status HTTP/1.1\r\nhost: t\r\nauthorization: Bearer gue55\r\n\r\n";

    let log = log_of(&[bearer.into()], 100).await;

    assert!((1..40).contains(&lines(&log, "wrong token")), "{log}");
    assert!(!log.contains("gue55"), "{log}");
}

#[tokio::test]
async fn only_some_refused_signatures_are_logged() {
    let foreign = created("user_1").signed_with(b"the key of another sender, 32 b!");

    let log = log_of(&[foreign.request()], 300).await;

    assert!((1..150).contains(&lines(&log, "a request was rejected")), "{log}");
}

#[tokio::test]
async fn a_signed_request_without_an_endpoint_is_logged_without_its_headers() {
    let signed = created("user_1");
    let request = String::from_utf8(signed.request()).expect("it is text");
    let to = |path: &str| request.replacen("/webhooks/clerk", path, 1).into_bytes();
    let long = format!("/webhooks/{}", "long".repeat(20));
    let paths = ["/webhooks/clrek", "/webhooks/a%0Ab", &long, "/hooks/private"];

    let log = log_of(&paths.map(to), 1).await;

    assert_eq!(lines(&log, "a signed request reaches no endpoint"), 4, "{log}");
    assert_eq!(lines(&log, "source=\"clrek\""), 1, "{log}");
    for secret in ["longlong", "private", &signed.signature, &signed.id, "a\\nb"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
