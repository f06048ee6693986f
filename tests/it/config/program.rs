//! How the real program reads its environment, its files and its arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use users_sync::embedded::running;
use users_sync::provider;

use crate::harness::{Program, SECRET, Scratch, TestDatabase};

#[tokio::test]
async fn a_flag_overrides_the_environment_which_overrides_the_env_file() {
    let scratch = Scratch::new().await;
    let file = "LOG_FORMAT=of-the-file\nJOURNAL_BODIES=of-the-file\nRUST_LOG=users_sync=warn\n";
    fs::write(scratch.path().join(".env"), file).expect("it can be written");
    let run = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let finished = Program::run(scratch.path(), arguments, variables).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        finished.stderr
    };
    let variables = [("DATABASE_URL", "mysql://x"), ("JOURNAL_BODIES", "all")];

    let by_the_environment = run(&["migrate"], &variables).await;
    let by_a_flag =
        run(&["migrate", "--log-format", "json"], &[("LOG_FORMAT", "xml"), variables[0]]).await;

    assert!(by_the_environment.contains("LOG_FORMAT"), "{by_the_environment}");
    assert!(!by_the_environment.contains("JOURNAL_BODIES"), "{by_the_environment}");
    assert!(!by_a_flag.contains("LOG_FORMAT"), "{by_a_flag}");
    assert!(by_a_flag.contains("JOURNAL_BODIES"), "{by_a_flag}");
}

#[tokio::test]
async fn the_exit_code_distinguishes_misuse_from_failure() {
    let scratch = Scratch::new().await;
    let nowhere = "postgres://app@localhost/none?host=/no/such/dir&password=hunter2";
    let code = async |arguments: &[&str], variables: &[(&str, &str)]| {
        let finished = Program::run(scratch.path(), arguments, variables).await;
        let quiet = finished.code == Some(0) || finished.stdout.is_empty();
        assert!(quiet && !finished.stderr.contains("hunter2"), "{finished:?}");
        finished.code
    };

    assert_eq!(code(&["--help"], &[]).await, Some(0));
    assert_eq!(code(&["--version"], &[]).await, Some(0));
    assert_eq!(code(&["no-such-command"], &[]).await, Some(2));
    assert_eq!(code(&["serve", "--no-such-flag"], &[]).await, Some(2));
    assert_eq!(code(&["serve"], &[("DATABASE_URL", nowhere)]).await, Some(2));
    assert_eq!(code(&["serve", "--listen-addr", "here"], &[]).await, Some(2));
    assert_eq!(code(&["send"], &[("USERS_SYNC_DATA_DIR", "/no/such/dir")]).await, Some(2));
    assert_eq!(code(&["healthcheck"], &[("LISTEN_ADDR", "127.0.0.1:1")]).await, Some(1));
}

#[tokio::test]
async fn the_error_for_a_used_port_names_the_variables_to_change() {
    let scratch = Scratch::new().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound address").to_string();
    let variables = [("USERS_SYNC_DATA_DIR", "/no/such/dir"), ("LISTEN_ADDR", &address)];

    let refused = Program::run(scratch.path(), &["serve"], &variables).await;

    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
    assert!(refused.stderr.contains("LISTEN_ADDR or PORT"), "{refused:?}");
}

#[tokio::test]
async fn the_healthcheck_asks_the_service_of_its_environment() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables = [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
    let program = Program::serve(scratch.path(), &variables).await;
    let (port, address) = (program.address.port().to_string(), program.address.to_string());
    let unspecified = format!("0.0.0.0:{port}");
    // A proxy must not be used for a request to this machine.
    let proxy = ("http_proxy", "http://127.0.0.1:1");

    for listen in [("LISTEN_ADDR", &*address), ("LISTEN_ADDR", &unspecified), ("PORT", &port)] {
        let healthy = Program::run(scratch.path(), &["healthcheck"], &[listen, proxy]).await;
        assert_eq!(healthy.code, Some(0), "{healthy:?}");
    }
    program.stop().await;

    let ended = Program::run(scratch.path(), &["healthcheck"], &[("PORT", &port)]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

#[tokio::test]
async fn the_banner_says_that_a_lone_port_listens_on_every_interface() {
    let (scratch, database) = (Scratch::new().await, TestDatabase::new().await);
    let variables =
        [("DATABASE_URL", database.url()), ("CLERK_WEBHOOK_SECRET", SECRET), ("PORT", "0")];

    let program = Program::serve(scratch.path(), &variables).await;

    let (ip, port) = (program.address.ip(), program.address.port());
    let said = program.stop().await;
    assert!(ip.is_unspecified(), "{ip}");
    let from_here = format!("on every interface; from this machine http://127.0.0.1:{port}");
    assert!(said.contains(&from_here), "{said}");
}

#[tokio::test]
async fn development_secrets_are_created_once_and_only_their_owner_can_read_them() {
    let scratch = Scratch::new().await;
    let data_dir = scratch.path().join("data");
    let variables = [("USERS_SYNC_DATA_DIR", data_dir.to_str().expect("it is text"))];
    let file = data_dir.join("webhook-secrets.env");

    let first_said = Program::serve(scratch.path(), &variables).await.stop().await;
    let made = fs::read_to_string(&file).expect("it was created");
    let again_said = Program::serve(scratch.path(), &variables).await.stop().await;

    let mode = fs::metadata(&file).expect("it exists").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&file).expect("it exists"), made);
    let secrets: BTreeMap<_, _> = made.lines().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(secrets.len(), provider::ALL.len(), "{made}");
    assert_eq!(secrets.values().collect::<BTreeSet<_>>().len(), secrets.len(), "{made}");
    for (variable, secret) in secrets {
        assert!(first_said.contains(variable) && first_said.contains(secret), "{first_said}");
        assert!(!again_said.contains(secret), "{again_said}");
    }
    assert_eq!(running(&data_dir), None);
}
