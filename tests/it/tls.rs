mod certificates;
mod impostor;
mod outcome;
mod server;

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use deadpool_postgres::PoolError;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use users_sync::config::PROGRAM;
use users_sync_conninfo::{ConnectError, Conninfo};

use outcome::{
    EVERY_MODE_CONNECTS, IS_ENCRYPTED, MODES,
    Outcome::{Encrypted, Plain, Refused},
    check_modes, libpqs, ours, parse, words,
};
use server::{PASSWORD, Server, start_tls_server};

/// A server whose certificate `ca` signed for `localhost`, though its common name says `other.test`.
fn signed_server() -> Server {
    let directory = TempDir::new().expect("a directory");
    let ca = certificates::authority(directory.path(), "ca");
    certificates::authority(directory.path(), "other");
    certificates::signed(directory.path(), "server", &ca, "other.test", &["localhost"]);
    certificates::signed(directory.path(), "client", &ca, "with_cert", &[]);
    start_tls_server(directory, "")
}

/// A server whose certificate stands for itself: `make` writes it.
fn self_signed_server(make: impl FnOnce(&Path), settings: &str) -> Server {
    let directory = TempDir::new().expect("a directory");
    certificates::authority(directory.path(), "ca");
    certificates::authority(directory.path(), "other");
    make(directory.path());
    start_tls_server(directory, settings)
}

#[tokio::test]
async fn every_sslmode_ends_as_in_libpq() {
    let server = signed_server();
    let ca = format!("sslrootcert={}", server.path("ca.crt").display());
    let other = format!("sslrootcert={}", server.path("other.crt").display());

    let unverified = [Plain, Plain, Encrypted, Encrypted, Refused, Refused];
    check_modes(&server, "host=localhost", unverified).await;
    check_modes(&server, &format!("host=localhost {ca}"), EVERY_MODE_CONNECTS).await;
    let wrong_name = [Plain, Plain, Encrypted, Encrypted, Encrypted, Refused];
    check_modes(&server, &format!("host=other.test {ca}"), wrong_name).await;
    let wrong_authority = [Plain, Plain, Plain, Refused, Refused, Refused];
    check_modes(&server, &format!("host=localhost {other}"), wrong_authority).await;
}

#[tokio::test]
async fn a_self_signed_certificate_is_its_own_authority_when_it_is_given_as_root() {
    let server = self_signed_server(|at| certificates::self_signed(at, "localhost", 2100), "");
    let own = format!("sslrootcert={}", server.path("server.crt").display());
    let other = format!("sslrootcert={}", server.path("other.crt").display());

    check_modes(&server, &format!("host=localhost {own}"), EVERY_MODE_CONNECTS).await;
    let wrong_name = [Plain, Plain, Encrypted, Encrypted, Encrypted, Refused];
    check_modes(&server, &format!("host=other.test {own}"), wrong_name).await;
    let wrong_authority = [Plain, Plain, Plain, Refused, Refused, Refused];
    check_modes(&server, &format!("host=localhost {other}"), wrong_authority).await;
}

#[tokio::test]
async fn a_wildcard_in_the_common_name_stands_for_one_label() {
    let server = self_signed_server(|at| certificates::self_signed(at, "*.example.test", 2100), "");
    let own = format!("sslrootcert={} sslmode=verify-full", server.path("server.crt").display());
    let cases = [
        ("db.example.test", Encrypted),
        ("DB.Example.Test", Encrypted),
        ("a.db.example.test", Refused),
        ("example.test", Refused),
        ("db.other.test", Refused),
    ];

    for (host, expected) in cases {
        let words = words(&server, &format!("user=postgres host={host} {own}"));
        assert_eq!(ours(&words).await, expected, "{host}");
        assert_eq!(libpqs(&words), expected, "libpq: {host}");
    }
}

#[tokio::test]
async fn a_unix_socket_has_no_tls_in_any_mode() {
    let server = signed_server();
    let (at, port) = (server.directory.path().display(), server.port);

    for mode in MODES {
        let words = format!("host={at} port={port} user=postgres dbname=postgres sslmode={mode}");
        assert_eq!(ours(&words).await, Plain, "{mode}");
        assert_eq!(libpqs(&words), Plain, "libpq: {mode}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_even_as_its_own_authority() {
    let server = self_signed_server(|at| certificates::self_signed(at, "localhost", 2020), "");
    let own = format!("sslrootcert={}", server.path("server.crt").display());

    let expired = [Plain, Plain, Plain, Refused, Refused, Refused];
    check_modes(&server, &format!("host=localhost {own}"), expired).await;
}

#[tokio::test]
async fn a_version_1_certificate_is_accepted_where_libpq_accepts_it() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let only =
            format!("-c ssl_min_protocol_version={version} -c ssl_max_protocol_version={version}");
        let server = self_signed_server(|at| certificates::version_1(at, "localhost"), &only);
        let own = format!("sslrootcert={}", server.path("server.crt").display());

        let unverified = [Plain, Plain, Encrypted, Encrypted, Refused, Refused];
        check_modes(&server, "host=localhost", unverified).await;
        check_modes(&server, &format!("host=localhost {own}"), EVERY_MODE_CONNECTS).await;
    }
}

#[tokio::test]
async fn channel_binding_and_pg_hba_decide_as_in_libpq() {
    let server = signed_server();
    let at = server.directory.path().display();
    let cases = [
        ("user=postgres channel_binding=require sslmode=require", Encrypted),
        ("user=postgres channel_binding=require", Encrypted),
        ("user=postgres channel_binding=disable sslmode=require", Encrypted),
        ("user=postgres channel_binding=require sslmode=disable", Refused),
        ("user=only_tls sslmode=disable", Refused),
        ("user=only_tls sslmode=allow", Encrypted),
        ("user=only_plain sslmode=prefer", Plain),
        ("user=only_plain sslmode=require", Refused),
        ("user=with_cert sslmode=require", Refused),
    ];

    for (more, expected) in cases {
        let words = words(&server, &format!("host=localhost {more}"));
        assert_eq!(ours(&words).await, expected, "{more}");
        assert_eq!(libpqs(&words), expected, "libpq: {more}");
    }
    let identity =
        format!("user=with_cert sslmode=require sslcert={at}/client.crt sslkey={at}/client.key");
    assert_eq!(ours(&words(&server, &format!("host=localhost {identity}"))).await, Encrypted);
}

#[tokio::test]
async fn verification_without_a_root_certificate_trusts_the_system() {
    if let Ok(words) = std::env::var("USERS_SYNC_TEST_WORDS") {
        for more in [
            "host=localhost sslmode=verify-full",
            "host=localhost sslmode=verify-ca",
            "host=localhost sslrootcert=system",
        ] {
            assert_eq!(ours(&format!("{words} {more}")).await, Encrypted, "{more}");
        }
        for more in ["host=other.test sslmode=verify-full", "host=other.test sslmode=verify-ca"] {
            assert_eq!(ours(&format!("{words} {more}")).await, Refused, "{more}");
        }
        return;
    }
    let server = signed_server();

    // The system's authorities are found through a variable, which a process cannot safely change for itself.
    let again = std::process::Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "tls::verification_without_a_root_certificate_trusts_the_system"])
        .env("USERS_SYNC_TEST_WORDS", words(&server, "user=postgres"))
        .env("SSL_CERT_FILE", server.path("ca.crt"))
        .output()
        .expect("a run");

    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
}

#[tokio::test]
async fn the_files_in_the_home_directory_are_found() {
    let server = signed_server();
    let home = TempDir::new().expect("a directory");
    let escaped = PASSWORD.replace('\\', r"\\").replace(':', r"\:");
    let pgpass = home.path().join(".pgpass");
    std::fs::write(&pgpass, format!("localhost:{}:*:postgres:{escaped}\n", server.port))
        .expect("write");
    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    std::fs::create_dir(home.path().join(".postgresql")).expect("mkdir");
    let url = format!(
        "postgresql://postgres@localhost:{}/postgres?hostaddr=127.0.0.1&sslmode=require",
        server.port
    );
    let lookup = |name: &str| (name == "HOME").then(|| home.path().display().to_string());
    let connect =
        || async { Conninfo::parse(&url, PROGRAM, &lookup).expect("a good URL").connect().await };

    connect().await.expect("the password file has the password");

    let root = home.path().join(".postgresql/root.crt");
    std::fs::copy(server.path("other.crt"), &root).expect("copy");
    let error = connect().await.expect_err("require with a root certificate verifies");
    assert!(error.to_string().contains("sslrootcert"), "{error}");

    std::fs::copy(server.path("ca.crt"), &root).expect("copy");
    connect().await.expect("the right authority");

    std::fs::set_permissions(&pgpass, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let error = connect().await.expect_err("a password file that others can read is ignored");
    assert!(chain(&error).contains("password missing"), "{}", chain(&error));
}

/// The texts of an error and of its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_refusal_keeps_the_servers_words_and_not_the_password() {
    let server = signed_server();
    let words = words(&server, "host=localhost user=postgres").replace("pass:", "wrong-");

    let error = parse(&words).connect().await.expect_err("a wrong password");

    let text = format!("{} {error:?}", chain(&error));
    assert!(text.contains("password authentication failed for user"), "{text}");
    assert!(!text.contains("wrong-"), "{text}");
}

#[tokio::test]
async fn a_running_query_is_cancelled_through_tls() {
    let server = signed_server();
    let conninfo = parse(&words(&server, "host=localhost user=postgres sslmode=require"));
    let client = conninfo.connect().await.expect("a session");
    let token = client.cancel_token();
    let mut query = Box::pin(client.batch_execute("select pg_sleep(600)"));

    // A cancel that comes before its query does nothing: ask until the query has ended.
    let ended = loop {
        tokio::select! {
            ended = &mut query => break ended,
            () = conninfo.cancel(token.clone()) => {}
        }
    };

    assert_eq!(ended.expect_err("cancelled").code(), Some(&SqlState::QUERY_CANCELED));
}

#[tokio::test]
async fn a_pool_opens_verified_connections_and_goes_on_to_the_next_host() {
    let server = signed_server();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("its address").port();
    let ca = server.path("ca.crt");
    let url = format!(
        "postgresql://postgres:{}@localhost:{silent},localhost:{}/postgres\
         ?sslmode=verify-full&sslrootcert={}&connect_timeout=1",
        PASSWORD.replace(':', "%3A").replace('\\', "%5C"),
        server.port,
        ca.display(),
    );
    let pool = parse(&url).pool(2).expect("a pool");

    let client = pool.get().await.expect("a connection to the second host");

    let row = client.query_one(IS_ENCRYPTED, &[]).await.expect("a row");
    assert!(row.get::<_, bool>(0));
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_cut_by_the_time_out() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let conninfo = parse(&format!("host=127.0.0.1 port={port} user=u connect_timeout=1"));
    let long = Duration::from_secs(30);

    let error = timeout(long, conninfo.connect()).await.expect("cut").expect_err("no session");
    let pool = conninfo.pool(1).expect("a pool");
    let pooled = timeout(long, pool.get()).await.expect("cut").expect_err("no session");

    assert!(matches!(error, ConnectError::TimedOut { seconds: 1, .. }), "{error:?}");
    assert!(matches!(pooled, PoolError::Timeout(_)), "{pooled:?}");
}

#[tokio::test]
async fn a_server_that_shows_a_certificate_without_its_key_is_refused() {
    for version in [&TLS12, &TLS13] {
        for make in [certificates::version_1 as fn(&Path, &str), certificates::version_3] {
            let directory = TempDir::new().expect("a directory");
            make(directory.path(), "localhost");
            let port = impostor::listen(directory.path(), version);

            let words = format!("host=127.0.0.1 port={port} user=u sslmode=require");
            let error = parse(&words).connect().await.expect_err("an impostor");

            assert!(chain(&error).contains("BadSignature"), "{version:?}: {}", chain(&error));
        }
    }
}
