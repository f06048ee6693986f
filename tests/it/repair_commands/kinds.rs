//! The commands that repair, and the kinds of what they repair.

use serde_json::{Value, json};

use super::Desk;
use crate::harness::{Program, run};

/// A vendor with two users, an organization and a member.
async fn desk() -> Desk {
    let desk = Desk::new(2).await;
    desk.vendor.found("org_1", &json!({}));
    desk.vendor.join("org_1", "user_00000", &json!({}));
    desk
}

async fn json_of(desk: &Desk, arguments: &[&str]) -> Value {
    let url = desk.vendor.url();
    let said = run(arguments, &desk.variables(&url)).await;
    serde_json::from_str(&said.out).unwrap_or_else(|err| panic!("{err}: {said:?}"))
}

#[tokio::test]
async fn every_kind_is_reported_beside_the_users() {
    let desk = desk().await;

    let filled = json_of(&desk, &["backfill", "--json"]).await;
    let same = json_of(&desk, &["reconcile", "--json"]).await;
    let (_, shown) = desk.run(&["backfill"]).await;

    let source = &filled[0];
    assert_eq!((&source["seen"], &source["missing"]), (&json!(2), &json!(2)), "{filled}");
    let kinds: Vec<_> = source["kinds"].as_array().expect("kinds").iter().collect();
    let of = |kind: &str, seen: i64| json!({ "kind": kind, "seen": seen, "missing": seen, "stale": 0, "unreadable": 0, "problem": null });
    assert_eq!(kinds, [&of("organization", 1), &of("role", 0), &of("membership", 1)]);
    let memberships = &same["sources"][0]["kinds"][2];
    assert_eq!(
        (&memberships["kind"], &memberships["counts"]["seen"]),
        (&json!("membership"), &json!(1))
    );
    assert!(shown.contains("clerk: 1 organizations at Clerk; 0 were missing"), "{shown}");
}

#[tokio::test]
async fn the_exit_code_of_a_dry_run_says_whether_any_kind_differs() {
    let desk = desk().await;
    let (_, _) = desk.run(&["backfill", "--kind", "user"]).await;

    let (all, shown) = desk.run(&["reconcile", "--dry-run"]).await;
    let (users, _) = desk.run(&["reconcile", "--dry-run", "--kind", "user"]).await;
    let (roles, _) = desk.run(&["reconcile", "--dry-run", "--kind", "role"]).await;
    let (members, _) = desk.run(&["reconcile", "--dry-run", "--kind", "membership"]).await;
    let (unknown, why) = desk.run(&["reconcile", "--kind", "team"]).await;

    assert_eq!(
        (all, users, roles, members, unknown),
        (Some(1), Some(0), Some(0), Some(1), Some(2)),
        "{shown}"
    );
    assert!(shown.contains("org_1") && shown.contains("organization"), "{shown}");
    assert!(why.contains("the kinds are user, organization, membership, role, grant"), "{why}");
}

#[tokio::test]
async fn a_backfill_of_one_kind_leaves_the_others() {
    let desk = desk().await;

    let filled = json_of(&desk, &["backfill", "--kind", "organization", "--json"]).await;

    assert_eq!(filled[0]["kinds"][0]["missing"], 1, "{filled}");
    assert!(filled[0].get("seen").is_none(), "{filled}");
    assert!(desk.mirror.alive().await.is_empty());
}

#[tokio::test]
async fn a_feature_that_is_switched_off_prints_one_line_without_a_failure() {
    let desk = Desk::new(2).await;
    let url = desk.vendor.url();
    let [database, key, api] = desk.variables(&url);

    let variables = [database, key, api, ("RUST_LOG", "users_sync=info")];
    let filled = Program::run(desk.dir.path(), &["backfill"], &variables).await;
    let looked = Program::run(desk.dir.path(), &["reconcile", "--dry-run"], &variables).await;

    assert_eq!((filled.code, looked.code), (Some(0), Some(0)), "{}", filled.stderr);
    for kind in ["organizations", "roles", "memberships"] {
        let line = format!("the provider has no {kind}: their feature is switched off");
        assert_eq!(filled.stderr.matches(&line).count(), 1, "{}", filled.stderr);
    }
    assert_eq!(filled.stdout.lines().count(), 1, "{}", filled.stdout);
}
