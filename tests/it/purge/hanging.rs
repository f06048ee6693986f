//! What hangs on a purged user or organization, and what was deleted of the other kinds.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{command, count, deleted_user, keeping_bodies};
use crate::harness::{Service, Signed, TestDatabase};
use crate::organizations::{membership, of_stack, organization, post_all, user};

const JOINS: &str = "organizationMembership.created";

/// Rows and bodies in which the name or the address of the user of these tests still stands.
async fn traces(client: &Client) -> i64 {
    let sql = "select
        (select count(*) from neon_auth.users_sync u where u::text ~ 'Ada|ada@')
        + (select count(*) from neon_auth.memberships_sync m where m::text ~ 'Ada|ada@')
        + (select count(*) from users_sync.journal j
           where position('Ada' in encode(body, 'escape')) > 0)";
    count(client, sql).await
}

/// The row of a mirror without its times.
async fn row(client: &Client, table: &str, id: &str) -> Value {
    let sql = format!(
        "select to_jsonb(m) - array['created_at', 'updated_at', 'deleted_at'] from neon_auth.{table} m where id = $1"
    );
    let row = client.query_opt(&sql, &[&id]).await.expect("it answers");
    row.map_or(Value::Null, |row| row.get(0))
}

/// Makes all deletions so many days older.
async fn age(client: &Client, days: u8) {
    let by = format!("interval '{days} days'");
    let sql = format!(
        "update users_sync.ledger set deleted_at = deleted_at - {by},
             first_deleted_at = first_deleted_at - {by}, last_deleted_at = last_deleted_at - {by},
             version_at = version_at - {by}, fence = fence - {by}"
    );
    client.batch_execute(&sql).await.expect("it is ours");
}

fn joining(user: &str, team: &str, event: &str) -> Signed {
    of_stack(event, &json!({ "team_id": team, "user_id": user, "note": "Ada" }))
}

#[tokio::test]
async fn an_erased_user_leaves_nothing_in_memberships_grants_or_bodies() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let gone = membership("organizationMembership.deleted", "mem_3", "user_1", "org_3");
    let all = [
        user("user.created", "user_1"),
        membership(JOINS, "mem_1", "user_1", "org_1"),
        membership(JOINS, "mem_2", "user_1", "org_2"),
        // Of this one the mirror knows the id alone, and the body says who it was.
        gone,
        membership(JOINS, "mem_9", "user_9", "org_1"),
    ];
    post_all(&service, &all).await;
    let grant = "insert into neon_auth.grants_sync (id, user_id, permission, raw_json)
        values ('g', 'user_1', 'read', '{\"id\": \"g\", \"name\": \"Ada\"}')";
    client.batch_execute(grant).await.expect("it is ours");

    let said = command(&database, "soft", &["users", "erase", "user_1", "--json"]).await.json();

    assert_eq!((&said["memberships"], &said["grants"]), (&json!(2), &json!(1)));
    assert_eq!(said["journal_bodies"], 4);
    let emptied = json!({
        "id": "mem_1", "user_id": null, "organization_id": null, "role": null,
        "permissions": null, "raw_json": { "id": "mem_1" }
    });
    assert_eq!(row(&client, "memberships_sync", "mem_1").await, emptied);
    assert_eq!(row(&client, "grants_sync", "g").await["raw_json"], json!({ "id": "g" }));
    assert_eq!(row(&client, "memberships_sync", "mem_9").await["user_id"], "user_9");
    assert_eq!(traces(&client).await, 2, "the row and the body of the other member");
}

#[tokio::test]
async fn an_erasure_reports_what_else_it_removed() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let all = [user("user.created", "user_1"), membership(JOINS, "mem_1", "user_1", "org_1")];
    post_all(&service, &all).await;

    let said = command(&database, "soft", &["users", "erase", "user_1", "--hard"]).await;

    assert!(said.out.contains("memberships removed: 1"), "{said:?}");
    let client = database.client().await;
    assert_eq!(row(&client, "memberships_sync", "mem_1").await, Value::Null);
}

#[tokio::test]
async fn the_policy_also_removes_the_dependents_of_a_user() {
    for (policy, left) in [("scrub:30d", json!({ "id": "mem_1" })), ("hard:30d", Value::Null)] {
        let database = TestDatabase::new().await;
        let (client, service) = (database.client().await, keeping_bodies(&database).await);
        post_all(&service, &[membership(JOINS, "mem_1", "old", "org_1")]).await;
        deleted_user(&service, "old", 31).await;

        let dry = command(&database, policy, &["purge", "--dry-run", "--json"]).await.json();
        let said = command(&database, policy, &["purge", "--json"]).await.json();

        assert_eq!((&dry["memberships"], &said["memberships"]), (&json!(1), &json!(1)));
        assert_eq!(said["users"], 1);
        assert_eq!(row(&client, "memberships_sync", "mem_1").await["raw_json"], left, "{policy}");
        assert_eq!(traces(&client).await, 0);
    }
}

#[tokio::test]
async fn the_policy_removes_the_dependents_of_an_organization_and_keeps_the_users() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let all = [
        user("user.created", "user_1"),
        organization("organization.created", "org_1"),
        membership(JOINS, "mem_1", "user_1", "org_1"),
        membership(JOINS, "mem_2", "user_1", "org_2"),
        organization("organization.deleted", "org_1"),
    ];
    post_all(&service, &all).await;
    age(&client, 31).await;

    let said = command(&database, "scrub:30d", &["purge", "--json"]).await.json();

    let counts = ["users", "organizations", "memberships"].map(|kind| said[kind].as_i64());
    assert_eq!(counts, [Some(0), Some(1), Some(1)]);
    let organization = row(&client, "organizations_sync", "org_1").await;
    let emptied =
        json!({ "id": "org_1", "name": null, "slug": null, "raw_json": { "id": "org_1" } });
    assert_eq!(organization, emptied);
    assert_eq!(row(&client, "memberships_sync", "mem_1").await["user_id"], Value::Null);
    assert_eq!(row(&client, "memberships_sync", "mem_2").await["user_id"], "user_1");
    assert_eq!(row(&client, "users_sync", "user_1").await["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_deleted_membership_is_purged_as_a_user_is_and_a_role_stays() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let now = Timestamp::now().as_millisecond();
    let role = json!({ "id": "role_1", "key": "org:admin", "permissions": [], "updated_at": now });
    let role = |event: &str| {
        let event = json!({ "type": event, "timestamp": now, "data": role });
        Signed::new("clerk", event.to_string())
    };
    let all = [
        role("role.created"),
        role("role.deleted"),
        membership(JOINS, "mem_1", "user_1", "org_1"),
        membership("organizationMembership.deleted", "mem_1", "user_1", "org_1"),
    ];
    post_all(&service, &all).await;
    age(&client, 31).await;

    let first = command(&database, "hard:30d", &["purge", "--json"]).await.json();
    let second = command(&database, "hard:30d", &["purge", "--json"]).await.json();

    let counts = |said: &Value| ["memberships", "removed"].map(|of| said[of].as_i64());
    assert_eq!(counts(&first), [Some(1), Some(1)]);
    assert_eq!(counts(&second), [Some(0), Some(0)]);
    assert_eq!(row(&client, "roles_sync", "role_1").await["key"], "org:admin");
    assert_eq!(traces(&client).await, 0);
}

#[tokio::test]
async fn a_user_who_rejoins_after_the_purge_is_a_member_again() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let (joins, leaves) = ("team_membership.created", "team_membership.deleted");
    post_all(&service, &[joining("u1", "t1", joins), joining("u1", "t1", leaves)]).await;
    age(&client, 31).await;

    let said = command(&database, "scrub:30d", &["purge", "--json"]).await.json();
    let emptied = row(&client, "memberships_sync", "t1/u1").await;
    post_all(&service, &[joining("u1", "t1", joins)]).await;
    let again = command(&database, "scrub:30d", &["purge", "--json"]).await.json();

    assert_eq!((&said["memberships"], &again["memberships"]), (&json!(1), &json!(0)));
    assert_eq!(emptied["user_id"], Value::Null);
    assert_eq!(row(&client, "memberships_sync", "t1/u1").await["user_id"], "u1");
    let live = "select count(*) from neon_auth.memberships_sync where deleted_at is null";
    assert_eq!(count(&client, live).await, 1);
}

#[tokio::test]
async fn a_late_membership_of_an_erased_user_is_emptied_by_the_next_round() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let known = membership(JOINS, "mem_1", "user_1", "org_1");
    post_all(&service, &[user("user.created", "user_1"), known]).await;
    command(&database, "soft", &["users", "erase", "user_1"]).await;

    // One that the ledger knows, and one that it does not.
    for id in ["mem_1", "mem_2"] {
        let late = membership("organizationMembership.updated", id, "user_1", "org_1");
        post_all_late(&service, &late).await;
    }
    let said = command(&database, "soft", &["purge", "--json"]).await.json();

    assert!(said["memberships"].as_i64() >= Some(1), "{said}");
    for id in ["mem_1", "mem_2"] {
        assert_eq!(row(&client, "memberships_sync", id).await["raw_json"], json!({ "id": id }));
    }
    assert_eq!(traces(&client).await, 0);
    let again = command(&database, "soft", &["purge", "--json"]).await.json();
    assert_eq!((&again["memberships"], &again["journal_bodies"]), (&json!(0), &json!(0)));
}

async fn post_all_late(service: &Service, late: &Signed) {
    let outcome = service.post(late).await.outcome().to_owned();
    assert!(["applied", "stale"].contains(&&*outcome), "{outcome}");
}

#[tokio::test]
async fn bodies_that_mention_a_purged_entity_second_go_too() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let (joins, leaves) = ("team_membership.created", "user.deleted");
    let left = of_stack(leaves, &json!({ "id": "u1", "teams": [{ "id": "t1" }], "note": "Ada" }));
    post_all(&service, &[joining("u1", "t1", joins), left]).await;
    // The user itself is not due yet.
    let by = SignedDuration::from_hours(24 * 31);
    let at = Timestamp::now() - by;
    let old =
        "update users_sync.ledger set deleted_at = $1, first_deleted_at = $1, last_deleted_at = $1
        where kind = 'membership'";
    client.execute(old, &[&at]).await.expect("it is ours");

    let said = command(&database, "scrub:30d", &["purge", "--json"]).await.json();

    assert_eq!((&said["users"], &said["memberships"]), (&json!(0), &json!(1)));
    assert_eq!((&said["journal_bodies"], traces(&client).await), (&json!(2), 0));
}

#[tokio::test]
async fn a_foreign_key_on_an_organization_stops_only_its_purge() {
    let database = TestDatabase::new().await;
    let (client, service) = (database.client().await, keeping_bodies(&database).await);
    let table = "create table public.bills (payer text constraint bills_payer references neon_auth.organizations_sync (id))";
    client.batch_execute(table).await.expect("the application has a table");
    for id in ["org_1", "org_2"] {
        let both = ["organization.created", "organization.deleted"].map(|of| organization(of, id));
        post_all(&service, &both).await;
    }
    client.batch_execute("insert into public.bills values ('org_2')").await.expect("a row");
    age(&client, 31).await;

    let said = command(&database, "hard:30d", &["purge", "--json"]).await;
    let status = service.api("GET", "/api/status", Value::Null).await.body;
    client.batch_execute("delete from public.bills").await.expect("the application lets go");
    let again = command(&database, "hard:30d", &["purge", "--json"]).await.json();

    let reported: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((said.code, &reported["removed"]), (1, &json!(1)));
    let blocked = &reported["blocked"][0];
    assert_eq!((&blocked["kind"], &blocked["id"]), (&json!("organization"), &json!("org_2")));
    let reason = blocked["reason"].as_str().expect("a reason");
    assert!(reason.contains("bills_payer") && reason.contains("refers to the organization"));
    assert_eq!(status["findings"][0]["id"], "organization org_2");
    assert_eq!(again["removed"], 1);
    assert_eq!(count(&client, "select count(*) from users_sync.findings").await, 0);
}
