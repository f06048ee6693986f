//! Every variable, and what is said of one that cannot be used.

mod database;
mod env_file;
mod listen;
mod program;
mod secrets;
mod send;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use jiff::SignedDuration;
use users_sync::config::{Bodies, Config, Database, Environment, Mistake, Mistakes, Purpose};

use crate::harness::{SECRET, Scratch};

const URL: &str = "postgres://app:hunter2@db.example.com/users?sslmode=disable";

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Environment::of(variables.iter().map(owned).collect::<HashMap<_, _>>())
}

fn parse(variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    Config::parse(&environment(variables), Purpose::Serve)
}

/// A configuration that serves, and these variables.
fn with(more: &[(&str, &str)]) -> Result<Config, Mistakes> {
    parse(&[&[("DATABASE_URL", URL), ("CLERK_WEBHOOK_SECRET", SECRET)], more].concat())
}

#[track_caller]
fn mistakes(variables: &[(&str, &str)]) -> Vec<String> {
    let Mistakes(mistakes) = parse(variables).expect_err("it cannot be used");
    mistakes.into_iter().map(|Mistake { variable, .. }| variable).collect()
}

#[test]
fn with_nothing_but_a_home_there_is_a_default_for_everything() {
    let config = parse(&[("HOME", "/home/ada")]).expect("nothing is needed");

    assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 8080)));
    assert!(matches!(config.database, Database::Embedded(_)));
    assert_eq!((config.pool_size, config.max_body_bytes), (10, 1 << 20));
    assert_eq!(config.journal_retention, SignedDuration::from_hours(30 * 24));
    assert_eq!(config.journal_bodies, Bodies::Quarantined);
    assert!(config.sources.is_empty());
}

#[test]
fn every_variable_is_heard() {
    let config = with(&[
        ("LISTEN_ADDR", "[::]:9000"),
        ("STACK_WEBHOOK_SECRET", SECRET),
        ("DATABASE_POOL_SIZE", "25"),
        ("MAX_BODY_BYTES", "2048"),
        ("JOURNAL_RETENTION", "12h"),
        ("JOURNAL_BODIES", "ALL"),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "users_sync=debug,warn"),
    ])
    .expect("all can be used");

    assert_eq!(config.listen, "[::]:9000".parse().expect("an address"));
    let Database::Server(conninfo) = &config.database else { panic!("{config:?}") };
    assert_eq!(conninfo.describe(), "users on db.example.com:5432 as app, sslmode=disable");
    let sources: Vec<_> = config.sources.iter().map(|source| &*source.name).collect();
    assert_eq!(sources, ["clerk", "stack"]);
    assert_eq!((config.pool_size, config.max_body_bytes), (25, 2048));
    assert_eq!(config.journal_retention, SignedDuration::from_hours(12));
    assert_eq!(config.journal_bodies, Bodies::All);
    assert!(format!("{:?}", config.logging).contains("Json"), "{config:?}");
    assert!(format!("{:?}", config.logging).contains("users_sync=debug,warn"), "{config:?}");
}

#[test]
fn the_embedded_server_goes_where_it_is_told() {
    let embedded = |variables: &[(&str, &str)]| match parse(variables).expect("it can").database {
        Database::Embedded(settings) => settings,
        Database::Server(other) => panic!("{other:?}"),
    };

    let told = embedded(&[
        ("USERS_SYNC_DATA_DIR", "/srv/users"),
        ("PG_BIN_DIR", "/opt/pg/bin"),
        ("PATH", "/a:/b"),
    ]);

    assert_eq!(told.data_dir, Path::new("/srv/users"));
    assert_eq!(told.bin_dir.as_deref(), Some(Path::new("/opt/pg/bin")));
    assert_eq!(told.path, [Path::new("/a"), Path::new("/b")]);
}

#[test]
fn what_is_empty_or_blank_counts_as_unset() {
    let blank = ["LISTEN_ADDR", "PORT", "DATABASE_POOL_SIZE", "MAX_BODY_BYTES", "RUST_LOG"];
    let more = ["JOURNAL_RETENTION", "JOURNAL_BODIES", "LOG_FORMAT", "STACK_WEBHOOK_SECRET"];
    let variables: Vec<_> = blank.into_iter().chain(more).map(|name| (name, " ")).collect();

    let config = with(&variables).expect("as if they were not there");

    assert_eq!(config.pool_size, 10);
    assert_eq!(config.sources.len(), 1);
}

#[test]
fn every_mistake_is_told_at_once_with_its_variable() {
    let wrong = [
        ("DATABASE_URL", "postgres://db.example.com/users?sslmode=perhaps"),
        ("LISTEN_ADDR", "the other machine"),
        ("PORT", "70000"),
        ("DATABASE_POOL_SIZE", "0"),
        ("CLERK_WEBHOOK_SECRET", "whsec_!"),
        ("STACK_WEBHOOK_SECRET_FILE", "/no/such/file"),
        ("MAX_BODY_BYTES", "1MiB"),
        ("JOURNAL_RETENTION", "-3d"),
        ("JOURNAL_BODIES", "some"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "a=b=c"),
    ];

    let mut told = mistakes(&wrong);

    told.sort_unstable();
    let mut expected = wrong.map(|(name, _)| name);
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn a_number_out_of_its_range_is_refused_with_the_range() {
    for (variable, value, range) in [
        ("DATABASE_POOL_SIZE", "3", "from 4 to 1000"),
        ("DATABASE_POOL_SIZE", "1001", "from 4 to 1000"),
        ("MAX_BODY_BYTES", "1023", "from 1024 to 16777216"),
        ("MAX_BODY_BYTES", "16777217", "from 1024 to 16777216"),
        ("PORT", "65536", "from 0 to 65535"),
    ] {
        let refused = with(&[(variable, value)]).expect_err("it is out of range").to_string();

        assert!(refused.contains(variable) && refused.contains(range), "{refused}");
    }
}

#[test]
fn a_database_without_a_source_to_receive_from_is_a_mistake_that_names_the_variables() {
    let secrets = "CLERK_WEBHOOK_SECRET or STACK_WEBHOOK_SECRET";

    assert_eq!(mistakes(&[("DATABASE_URL", URL)]), [secrets]);
    assert_eq!(mistakes(&[("DATABASE_URL", URL), ("PORT", "x")]), [secrets, "PORT"]);
    assert_eq!(mistakes(&[("DATABASE_URL", "mysql://x")]), ["DATABASE_URL", secrets]);
    let broken = mistakes(&[("DATABASE_URL", URL), ("CLERK_WEBHOOK_SECRET", "whsec_!")]);
    assert_eq!(broken, ["CLERK_WEBHOOK_SECRET"], "one mistake is told once");
    let maintains = Config::parse(&environment(&[("DATABASE_URL", URL)]), Purpose::Maintain);
    assert!(maintains.is_ok(), "to migrate takes no source");
}

#[tokio::test]
async fn a_secret_can_be_in_a_file() {
    let scratch = Scratch::new().await;
    let file = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        path.into_os_string().into_string().expect("it is text")
    };
    let (url, secret) = (file("url", &format!("{URL}\n")), file("secret", &format!("{SECRET}\n")));
    let empty = file("empty", " \n");

    let config = parse(&[("DATABASE_URL_FILE", &url), ("CLERK_WEBHOOK_SECRET_FILE", &secret)]);

    let config = config.expect("both can be read");
    assert!(format!("{config:?}").contains("db.example.com"), "{config:?}");
    assert_eq!(config.sources[0].secrets[0].to_text(), SECRET);
    let both = [("DATABASE_URL", URL), ("DATABASE_URL_FILE", url.as_str())];
    let secret_file = [("CLERK_WEBHOOK_SECRET_FILE", secret.as_str())];
    assert_eq!(mistakes(&[&both[..], &secret_file].concat()), ["DATABASE_URL_FILE"]);
    let nothing = [("DATABASE_URL_FILE", empty.as_str()), ("CLERK_WEBHOOK_SECRET_FILE", &empty)];
    assert_eq!(mistakes(&nothing), ["DATABASE_URL_FILE", "CLERK_WEBHOOK_SECRET_FILE"]);
}

#[test]
fn a_secret_is_never_told() {
    let key = SECRET.trim_start_matches("whsec_");
    let config = with(&[("STACK_WEBHOOK_SECRET", SECRET)]).expect("it can be used");
    let debug = format!("{config:?} {config:#?}");
    assert!(!debug.contains(key) && !debug.contains("hunter2"), "{debug}");
    let bytes = format!("{:?}", b"the key of the tests");
    assert!(!debug.contains(bytes.trim_matches(['[', ']'])), "{debug}");

    for (variable, value) in [
        ("DATABASE_URL", "postgres://app:hunter2@db.example.com:port/users"),
        ("DATABASE_URL", "postgres://app:hunter2@db.example.com/users?hunter2=1&hunter2"),
        ("DATABASE_URL", "postgres://app:p@ss?hunter2=x@db.example.com/users"),
        ("DATABASE_URL", "host=db password='hunter2"),
        ("CLERK_WEBHOOK_SECRET", "whsec_hunter2"),
        ("STACK_WEBHOOK_SECRET", "hunter2, hunter2"),
        ("RUST_LOG", "hunter2=hunter2=hunter2"),
        ("PORT", "hunter2"),
    ] {
        let refused = with(&[(variable, value)]).expect_err("it cannot be used");

        let told = format!("{refused} {refused:?}");
        assert!(told.contains(variable), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
