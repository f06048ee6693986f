//! The doctor: every prepared misconfiguration is named, with what to do about it.

mod arrival;
mod file;
mod mirror;
mod pooler;
mod providers;
mod proxy;
mod schemes;

use serde_json::Value;

use crate::harness::{SECRET, Said, Service, Signed, TestDatabase, as_role, body, run};

/// A secret of its own for the other source: 24 bytes.
const OTHER_SECRET: &str = "whsec_YW5vdGhlciBzZWNyZXQgb2YgdGhlIHRlc3Rz";

/// The checks, and the exit code.
async fn doctor(environment: &[(&str, &str)], arguments: &[&str]) -> (Vec<Value>, Said) {
    let said = run(&[&["doctor", "--json"], arguments].concat(), environment).await;
    let checks = serde_json::from_str(&said.out).unwrap_or_else(|err| panic!("{err}: {said:?}"));
    (checks, said)
}

/// As [`doctor`], with everything else as it should be.
async fn doctor_with(database: &TestDatabase, also: &[(&str, &str)]) -> (Vec<Value>, Said) {
    let usual = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("STACK_WEBHOOK_SECRET", OTHER_SECRET),
        ("ADMIN_TOKEN", "a token that is long enough"),
    ];
    doctor(&[&usual, also].concat(), &[]).await
}

/// Asserts that a check has this verdict, and that all of these words are in what it says.
fn assert_reported(checks: &[Value], verdict: &str, name: &str, words: &[&str]) {
    let text = |check: &Value| {
        let field = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", field("found"), field("advice"))
    };
    let matches = |check: &&Value| {
        check["name"] == name
            && check["verdict"] == verdict
            && words.iter().all(|word| text(check).contains(word))
    };
    assert!(checks.iter().any(|check| matches(&check)), "{verdict} {name} {words:?}: {checks:#?}");
}

#[tokio::test]
async fn a_healthy_service_passes_every_check() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let user = body("clerk", "user.created", "user_1", &serde_json::json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;

    let (checks, said) = doctor_with(&database, &[]).await;

    assert_eq!(said.code, 0, "{said:?}");
    for name in [
        "configuration",
        "database",
        "version",
        "transport",
        "clock",
        "schema",
        "rights",
        "mirror",
        "secret of clerk",
        "deliveries of clerk",
    ] {
        assert_reported(&checks, "ok", name, &[]);
    }
    assert_reported(
        &checks,
        "warn",
        "deliveries of stack",
        &["none", "/webhooks/stack", "users-sync send"],
    );
}

#[tokio::test]
async fn all_mistakes_of_the_configuration_are_reported_and_dependent_checks_are_skipped() {
    let environment = [
        ("DATABASE_URL", "postgres://localhost/x?sslmode=perhaps"),
        ("CLERK_WEBHOOK_SECRET", "whsec_not base64!"),
        ("DELETE_POLICY", "shred"),
    ];

    let (checks, said) = doctor(&environment, &[]).await;

    assert_eq!(said.code, 1);
    assert_reported(&checks, "fail", "configuration", &["DATABASE_URL", "sslmode"]);
    assert_reported(&checks, "skipped", "database", &[]);
    assert!(!said.out.contains("not base64!"), "no secret is repeated");
}

#[tokio::test]
async fn a_service_without_any_secret_fails_the_check() {
    let database = TestDatabase::new().await;

    let (checks, _) = doctor(&[("DATABASE_URL", database.url())], &[]).await;

    assert_reported(&checks, "fail", "configuration", &["CLERK_WEBHOOK_SECRET", "whsec_"]);
}

#[tokio::test]
async fn a_secret_that_is_not_base64_is_reported_without_its_value() {
    let database = TestDatabase::new().await;

    let (checks, said) =
        doctor_with(&database, &[("CLERK_WEBHOOK_SECRET", "whsec_hush~hush")]).await;

    assert_reported(&checks, "fail", "configuration", &["CLERK_WEBHOOK_SECRET", "not base64"]);
    assert!(!said.out.contains("hush"));
}

#[tokio::test]
async fn a_missing_server_fails_the_check_and_dependent_checks_are_skipped() {
    let url = "postgres://someone:hunter2@127.0.0.1:9/x?connect_timeout=2";
    let environment = [("DATABASE_URL", url), ("CLERK_WEBHOOK_SECRET", SECRET)];

    let (checks, said) = doctor(&environment, &[]).await;

    assert_eq!(said.code, 1);
    assert_reported(&checks, "fail", "database", &["127.0.0.1", "firewall"]);
    assert_reported(&checks, "skipped", "schema", &[]);
    assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"));
}

#[tokio::test]
async fn a_missing_database_is_reported() {
    let database = TestDatabase::new().await;
    let url = database.url().replacen("test_", "no_test_", 1);

    let (checks, _) = doctor_with(&database, &[("DATABASE_URL", &url)]).await;

    assert_reported(&checks, "fail", "database", &["does not exist", "DATABASE_URL"]);
}

#[tokio::test]
async fn pending_migrations_are_named() {
    let database = TestDatabase::empty().await;

    let (checks, _) = doctor_with(&database, &[]).await;

    assert_reported(&checks, "warn", "schema", &["0001_users", "users-sync migrate"]);
    assert_reported(&checks, "skipped", "mirror", &["no neon_auth.users_sync"]);
}

#[tokio::test]
async fn the_table_of_neon_auth_is_recognised() {
    let database = TestDatabase::empty().await;
    let neon = "create schema neon_auth;
        create table neon_auth.users_sync (
            raw_json jsonb not null,
            id text generated always as (raw_json ->> 'id') stored not null primary key)";
    database.client().await.batch_execute(neon).await.expect("it is made");

    let (checks, said) = doctor_with(&database, &[]).await;

    assert_eq!(said.code, 1);
    assert_reported(&checks, "fail", "schema", &["generated", "users-sync adopt"]);
}

/// Runs the doctor on a database that was prepared by SQL.
async fn prepared(sql: &str, also: &[(&str, &str)]) -> Vec<Value> {
    let database = TestDatabase::new().await;
    database.client().await.batch_execute(sql).await.expect("it is prepared");
    doctor_with(&database, also).await.0
}

#[tokio::test]
async fn a_read_only_database_is_reported() {
    let checks = prepared(
        "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$",
        &[],
    )
    .await;

    assert_reported(&checks, "fail", "writable", &["read-only", "primary"]);
}

#[tokio::test]
async fn a_migration_of_a_newer_version_is_reported() {
    let checks = prepared("insert into users_sync.migrations values (9999, 'x', 'y')", &[]).await;

    assert_reported(&checks, "fail", "schema", &["newer users-sync", "9999"]);
}

#[tokio::test]
async fn the_check_names_the_grants_that_a_role_lacks() {
    let database = TestDatabase::new().await;
    let role = format!("poor_{}", uuid::Uuid::new_v4().simple());
    let client = database.client().await;
    let sql = format!(
        "create role {role} login; grant usage on schema neon_auth, users_sync to {role};
         grant select on all tables in schema neon_auth, users_sync to {role};
         alter table neon_auth.users_sync enable row level security"
    );
    client.batch_execute(&sql).await.expect("it is prepared");

    let (checks, said) = doctor_with(
        &database,
        &[("PGUSER", &role), ("DATABASE_URL", &as_role(database.url(), &role))],
    )
    .await;

    let drop = format!("drop owned by {role}; drop role {role}");
    client.batch_execute(&drop).await.expect("the role goes with its test");
    assert_eq!(said.code, 1);
    assert_reported(&checks, "fail", "rights", &["insert on neon_auth.users_sync", "grant"]);
    assert_reported(&checks, "fail", "row security", &["bypassrls"]);
}

#[tokio::test]
async fn short_and_shared_secrets_are_reported() {
    let database = TestDatabase::new().await;

    let short = [("STACK_WEBHOOK_SECRET", "whsec_c2hvcnQ=")];
    let (checks, _) = doctor_with(&database, &short).await;
    assert_reported(
        &checks,
        "fail",
        "secret of stack",
        &["less than 24 bytes", "STACK_WEBHOOK_SECRET"],
    );

    let shared = [("STACK_WEBHOOK_SECRET", SECRET)];
    let (checks, _) = doctor_with(&database, &shared).await;
    assert_reported(&checks, "warn", "secret of stack", &["that of clerk too"]);
}

#[tokio::test]
async fn silence_and_quarantine_are_reported() {
    let sql = "insert into users_sync.journal (source, delivery_id, received_at, outcome, reason, body) values
        ('clerk', 'a', now() - interval '5 days', 'quarantined', '`data` is missing or empty', 'x')";
    let checks = prepared(sql, &[]).await;

    assert_reported(&checks, "warn", "deliveries of clerk", &["5 days ago", "enabled"]);
    assert_reported(
        &checks,
        "warn",
        "quarantine",
        &["1 of clerk", "`data` is missing", "replay --quarantined"],
    );
}

#[tokio::test]
async fn changes_without_a_webhook_are_reported() {
    let sql = "insert into users_sync.runs (kind, source, outcome, finished_at, missing, unannounced, unannounced_since)
        values ('reconcile', 'clerk', 'done', now(), 1, 1, '2026-01-31 09:12Z')";
    let checks = prepared(sql, &[]).await;

    let reported = ["1 change since 2026-01-31 09:12 UTC arrived by no webhook", "dashboard"];
    assert_reported(&checks, "warn", "silence of clerk", &reported);
}
