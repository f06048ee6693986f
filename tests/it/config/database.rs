//! Which database is used: a variable that means a database is followed or refused, never ignored.

use users_sync::config::{Config, Database, Purpose};

use super::{SECRET, URL, environment, mistakes, parse};
use crate::harness::Scratch;

const HOME: (&str, &str) = ("HOME", "/home/ada");
const CLERK: (&str, &str) = ("CLERK_WEBHOOK_SECRET", SECRET);

fn described(variables: &[(&str, &str)]) -> String {
    match parse(variables).expect("it can be used").database {
        Database::Server(conninfo) => conninfo.describe(),
        Database::Embedded(settings) => format!("embedded in {}", settings.data_dir.display()),
    }
}

#[test]
fn libpq_variables_that_name_a_database_are_used_without_a_url() {
    let user = ("PGUSER", "app");
    let of = |more: &[(&str, &str)]| described(&[&[HOME, CLERK, user], more].concat());

    assert_eq!(
        of(&[("PGHOST", "db.example.com")]),
        "app on db.example.com:5432 as app, sslmode=prefer"
    );
    assert_eq!(of(&[("PGHOSTADDR", "192.0.2.1")]), "app on 192.0.2.1:5432 as app, sslmode=prefer");
    assert!(of(&[("PGDATABASE", "users")]).starts_with("users on /"));
    let beside_an_empty_url = [("PGHOST", "db.example.com"), ("DATABASE_URL", "")];
    assert!(of(&beside_an_empty_url).starts_with("app on db.example.com"));
}

#[test]
fn a_database_from_libpq_variables_needs_a_source_and_its_errors_name_them() {
    let host = ("PGHOST", "db.example.com");

    assert_eq!(mistakes(&[HOME, host]), ["CLERK_WEBHOOK_SECRET or STACK_WEBHOOK_SECRET"]);
    let refused = parse(&[HOME, host, CLERK, ("PGSSLMODE", "on")]).expect_err("a wrong mode");
    assert!(
        refused.to_string().contains("PGHOST: the connection parameter `PGSSLMODE`"),
        "{refused}"
    );
}

#[test]
fn every_command_refuses_variables_that_do_not_say_which_database() {
    for (variable, value) in
        [("PGUSER", "app"), ("PGPASSWORD", "hunter2"), ("PGPORT", "5433"), ("PGSERVICE", "app")]
    {
        for purpose in [Purpose::Serve, Purpose::Maintain] {
            let parsed = Config::parse(&environment(&[HOME, (variable, value)]), purpose);

            let refused = parsed.expect_err(variable).to_string();
            assert!(refused.contains(&format!("  {variable}: is set, but")), "{refused}");
            assert!(refused.contains("set DATABASE_URL"), "{refused}");
            assert!(!refused.contains(value), "{refused}");
        }
    }
}

#[test]
fn a_url_under_another_name_is_refused_with_the_right_name() {
    for name in ["POSTGRES_URL", "DATABASE_URI", "DB_URL", "DIRECT_URL", "POSTGRES_PRISMA_URL"] {
        let refused = parse(&[HOME, (name, URL)]).expect_err(name).to_string();

        assert!(refused.contains(&format!("  {name}: is the URL of a database")), "{refused}");
        assert!(refused.contains("set that one"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
    assert!(described(&[HOME, ("DATABASE_URI", "sqlite://x")]).starts_with("embedded"));
}

#[test]
fn libpq_preferences_do_not_imply_a_database() {
    let preferences =
        [HOME, ("PGSSLMODE", "require"), ("PGAPPNAME", "x"), ("PGCONNECT_TIMEOUT", "3")];

    assert!(described(&preferences).starts_with("embedded"));
}

#[tokio::test]
async fn an_empty_url_does_not_start_the_embedded_database() {
    let scratch = Scratch::new().await;
    let empty = scratch.path().join("empty");
    std::fs::write(&empty, "\u{feff} \n").expect("it can be written");
    let empty = empty.to_str().expect("it is text");

    for (variable, value) in [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", " \t"),
        ("DATABASE_URL", "\"\""),
        ("DATABASE_URL_FILE", " "),
        ("DATABASE_URL_FILE", empty),
    ] {
        assert_eq!(mistakes(&[HOME, CLERK, (variable, value)]), [variable], "{value:?}");
    }
}

#[tokio::test]
async fn a_url_may_be_quoted_and_its_file_may_have_a_byte_order_mark() {
    let scratch = Scratch::new().await;
    let file = scratch.path().join("url");
    std::fs::write(&file, format!("\u{feff}{URL}\r\n")).expect("it can be written");
    let file = file.to_str().expect("it is text");
    let quoted = format!("\"{URL}\"");

    for variable in [("DATABASE_URL", quoted.as_str()), ("DATABASE_URL_FILE", file)] {
        assert!(described(&[CLERK, variable]).starts_with("users on db.example.com"));
    }
}

#[test]
fn variables_that_ask_for_an_unsupported_protection_are_refused() {
    let server = [HOME, CLERK, ("DATABASE_URL", URL)];
    for (variable, value) in [
        ("PGGSSENCMODE", "require"),
        ("PGREQUIREAUTH", "scram-sha-256"),
        ("PGREQUIREPEER", "postgres"),
        ("PGREQUIRESSL", "1"),
        ("PGSSLCRL", "/etc/ssl/revoked.pem"),
    ] {
        let refused = parse(&[&server[..], &[(variable, value)]].concat()).expect_err(variable);
        assert!(refused.to_string().contains(&format!("\n  {variable}: ")), "{refused}");
    }

    let harmless = [("PGGSSENCMODE", "disable"), ("PGREQUIRESSL", "0"), ("PGSSLCRL", "")];
    assert!(parse(&[&server[..], &harmless].concat()).is_ok());
}
