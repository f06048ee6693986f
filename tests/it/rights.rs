//! The rights that a role without ownership needs: with exactly those it can do everything, and the doctor names
//! each missing one.

mod everything;

use std::collections::BTreeSet;

use serde_json::Value;
use users_sync::db::mirror;
use users_sync::db::rights::{self, Needed, Object, Right};

use crate::harness::{Role, SECRET, Said, TestDatabase, run};

/// A database of ours, and a role with the grants of `migrate --print-grants`.
async fn granted(policy: &str) -> (TestDatabase, Role) {
    let database = TestDatabase::new().await;
    let role = Role::new(&database, "serving").await;
    let variables = [("DATABASE_URL", "postgres://nowhere.invalid/x"), ("DELETE_POLICY", policy)];
    let printed = run(&["migrate", "--print-grants", "--to", &role.name], &variables).await;
    assert_eq!(printed.code, 0, "{printed:?}");
    role.execute("revoke execute on all functions in schema users_sync from public").await;
    role.execute(&printed.out).await;
    (database, role)
}

async fn doctor(url: &str, policy: &str) -> Said {
    let variables =
        [("DATABASE_URL", url), ("CLERK_WEBHOOK_SECRET", SECRET), ("DELETE_POLICY", policy)];
    run(&["doctor", "--json"], &variables).await
}

/// The verdict of the doctor's check of rights, and its detail.
async fn check(url: &str, policy: &str) -> (String, String) {
    let said = doctor(url, policy).await;
    let checks: Vec<Value> = serde_json::from_str(&said.out).expect("JSON");
    let check = checks.iter().find(|check| check["name"] == "rights").expect("rights are checked");
    let field = |name: &str| check[name].as_str().expect("text").to_owned();
    (field("verdict"), field("found"))
}

fn object(right: &Right) -> String {
    match right.object {
        Object::Schema(name) => format!("schema {name}"),
        Object::Table(name) => name.to_owned(),
        Object::Functions => "function users_sync.converge".to_owned(),
    }
}

#[tokio::test]
async fn the_doctor_names_each_missing_right() {
    let (database, role) = granted("hard:30d").await;
    let (url, quoted) = (role.url(&database), role.quoted());
    let client = database.client().await;
    let signature = "select p.oid::regprocedure::text from pg_proc p
        where p.pronamespace = 'users_sync'::regnamespace and p.proname = 'converge'";
    let converge: String = client.query_one(signature, &[]).await.expect("it answers").get(0);
    let whole = check(&url, "hard:30d").await;

    let mut reports = Vec::new();
    for right in &rights::all() {
        for privilege in right.privileges {
            let on = match right.object {
                Object::Functions => format!("function {converge}"),
                _ => object(right),
            };
            role.execute(&format!("revoke {privilege} on {on} from {quoted}")).await;
            let expected = format!("{} lacks {privilege} on {}", role.name, object(right));
            reports.push((check(&url, "hard:30d").await, expected));
            role.execute(&format!("grant {privilege} on {on} to {quoted}")).await;
        }
    }

    role.remove().await;
    assert_eq!(whole.0, "ok", "{whole:?}");
    assert!(reports.len() > 30, "{}", reports.len());
    for ((verdict, found), expected) in reports {
        assert_eq!((verdict.as_str(), found), ("fail", expected));
    }
}

#[tokio::test]
async fn only_a_removing_policy_requires_the_right_to_delete_users() {
    let (database, role) = granted("scrub:30d").await;
    let url = role.url(&database);

    let scrub = check(&url, "scrub:30d").await;
    let hard = check(&url, "hard:30d").await;

    let name = role.name.clone();
    role.remove().await;
    assert_eq!(scrub.0, "ok", "{scrub:?}");
    let lacking = mirror::purged().map(|mirror| format!("delete on {}", mirror.table));
    let lacking = lacking.collect::<Vec<_>>().join(", ");
    assert_eq!(hard, ("fail".to_owned(), format!("{name} lacks {lacking}")));
}

#[tokio::test]
async fn a_service_without_a_needed_right_does_not_start_and_names_it() {
    let (database, role) = granted("soft").await;
    let (url, quoted) = (role.url(&database), role.quoted());
    role.execute(&format!("revoke delete on users_sync.marks from {quoted}")).await;
    role.execute(&format!("revoke usage on schema neon_auth from {quoted}")).await;

    let variables =
        [("DATABASE_URL", &*url), ("CLERK_WEBHOOK_SECRET", SECRET), ("LISTEN_ADDR", "127.0.0.1:0")];
    let said = run(&["serve", "--no-migrate"], &variables).await;

    role.remove().await;
    assert_eq!(said.code, 1, "{said:?}");
    for words in ["usage on schema neon_auth, delete on users_sync.marks:", "--print-grants"] {
        assert!(said.err.contains(words), "{said:?}");
    }
}

#[tokio::test]
async fn every_table_of_ours_is_in_the_table_of_rights() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let statement = "select schemaname || '.' || tablename from pg_tables
        where schemaname in ('neon_auth', 'users_sync')";
    let rows = client.query(statement, &[]).await.expect("it answers");
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();

    let always = rights::all();
    let always = always.iter().filter(|right| right.needed == Needed::Always);
    let tables = always.filter_map(|right| match right.object {
        Object::Table(name) => Some(name.to_owned()),
        Object::Schema(_) | Object::Functions => None,
    });

    assert_eq!(tables.collect::<BTreeSet<_>>(), there);
}

#[tokio::test]
async fn grants_are_printed_for_a_role_of_any_name_and_for_no_other() {
    let variables = [("DATABASE_URL", "postgres://nowhere.invalid/x")];

    let odd = run(&["migrate", "--print-grants", "--to", r#"o"dd"#, "--json"], &variables).await;
    let public = run(&["migrate", "--print-grants", "--to", "public"], &variables).await;
    let lines = run(&["migrate", "--print-grants", "--to", "a\ndrop"], &variables).await;

    assert_eq!(odd.json()["grants"][0], r#"grant usage on schema neon_auth to "o""dd""#);
    assert_eq!((public.code, lines.code), (2, 2));
}
