use users_sync::config::PROGRAM;
use users_sync_conninfo::Conninfo;

use super::server::{PASSWORD, Server, program};
use Outcome::{Encrypted, Plain, Refused};

/// How a session came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Refused,
    Plain,
    Encrypted,
}

pub(super) const IS_ENCRYPTED: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
pub(super) const MODES: [&str; 6] =
    ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
pub(super) const EVERY_MODE_CONNECTS: [Outcome; 6] =
    [Plain, Plain, Encrypted, Encrypted, Encrypted, Encrypted];

pub(super) fn words(server: &Server, more: &str) -> String {
    let password = PASSWORD.replace('\\', r"\\");
    let port = server.port;
    format!(
        "hostaddr=127.0.0.1 port={port} dbname=postgres password='{password}' connect_timeout=20 {more}"
    )
}

pub(super) fn parse(words: &str) -> Conninfo {
    Conninfo::parse(words, PROGRAM, &|_| None).expect("good words")
}

pub(super) async fn ours(words: &str) -> Outcome {
    let Ok(conninfo) = Conninfo::parse(words, PROGRAM, &|_| None) else { return Refused };
    let Ok(client) = conninfo.connect().await else { return Refused };
    let row = client.query_one(IS_ENCRYPTED, &[]).await.expect("a row");
    if row.get(0) { Encrypted } else { Plain }
}

/// What libpq makes of the same words.
pub(super) fn libpqs(words: &str) -> Outcome {
    let output = program("psql").args(["-XAtc", IS_ENCRYPTED, words]).output().expect("psql");
    match output.stdout.as_slice() {
        b"t\n" => Encrypted,
        b"f\n" => Plain,
        _ => Refused,
    }
}

/// Checks that every mode, with the same further words, ends as expected, here and in libpq.
pub(super) async fn check_modes(server: &Server, more: &str, expected: [Outcome; 6]) {
    for (mode, expected) in MODES.iter().zip(expected) {
        let words = words(server, &format!("sslmode={mode} user=postgres {more}"));
        assert_eq!(ours(&words).await, expected, "{mode} {more}");
        assert_eq!(libpqs(&words), expected, "libpq: {mode} {more}");
    }
}
