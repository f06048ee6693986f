//! The history of one entity of any kind, and what a delivery names.

use serde_json::{Value, json};
use users_sync::db::journal::search::{page_statement, recall_statement};

use super::{service, walk};
use crate::harness::{Service, Signed, TestDatabase};
use crate::organizations::{membership, of_stack, organization, post_all, user};

/// A deletion that names its user and the memberships that go with it.
fn leaving(user: &str, teams: &[&str]) -> Signed {
    let teams: Vec<_> = teams.iter().map(|id| json!({ "id": id })).collect();
    of_stack("user.deleted", &json!({ "id": user, "teams": teams }))
}

fn joining(user: &str, team: &str) -> Signed {
    of_stack("team_membership.created", &json!({ "team_id": team, "user_id": user }))
}

fn ids(signed: &[&Signed]) -> Vec<String> {
    signed.iter().map(|signed| signed.id.clone()).collect()
}

#[tokio::test]
async fn the_history_of_an_entity_has_the_deliveries_that_name_it_second() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let (joined, left) = (joining("u1", "t1"), leaving("u1", &["t0", "t1", "t2"]));
    let other = joining("u2", "t1");
    post_all(&service, &[joined.clone(), left.clone(), other.clone()]).await;

    let all = walk(&service, "kind=membership&entity=t1%2Fu1").await.0;
    let (paged, pages) = walk(&service, "kind=membership&entity=t1%2Fu1&limit=1").await;
    let deletions = walk(&service, "kind=membership&entity=t1%2Fu1&type=user.deleted").await.0;
    let elsewhere = walk(&service, "kind=membership&entity=t1%2Fu1&source=clerk").await.0;
    let of_user = walk(&service, "user=u1").await.0;

    assert_eq!(all, ids(&[&left, &joined]), "newest first");
    assert_eq!((paged, pages), (ids(&[&left, &joined]), 3));
    assert_eq!((deletions, elsewhere), (ids(&[&left]), Vec::<String>::new()));
    assert_eq!(of_user, ids(&[&left]));
}

#[tokio::test]
async fn a_delivery_lists_the_entities_that_it_names() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let left = leaving("u1", &["t0", "t1"]);
    post_all(&service, std::slice::from_ref(&left)).await;
    let path = format!("/api/deliveries/stack/{}", left.id);

    let listed = service.api("GET", "/api/deliveries", Value::Null).await.body;
    let shown = service.api("GET", &path, Value::Null).await.body;

    let entities = json!([
        { "kind": "user", "id": "u1" },
        { "kind": "membership", "id": "t0/u1" },
        { "kind": "membership", "id": "t1/u1" }
    ]);
    assert_eq!((&shown["entities"], &shown["user"]), (&entities, &json!("u1")));
    assert_eq!(listed["deliveries"][0]["entities"], entities);
}

#[tokio::test]
async fn a_delivery_about_an_organization_names_no_user() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    post_all(&service, &[organization("organization.created", "org_1")]).await;

    let listed = service.api("GET", "/api/deliveries?user=org_1", Value::Null).await.body;
    let path = "/api/deliveries?kind=organization&entity=org_1";
    let found = service.api("GET", path, Value::Null).await.body;

    assert_eq!(listed["deliveries"], json!([]));
    assert_eq!(found["deliveries"][0]["user"], Value::Null);
    let entities = json!([{ "kind": "organization", "id": "org_1" }]);
    assert_eq!(found["deliveries"][0]["entities"], entities);
}

#[tokio::test]
async fn an_entity_is_asked_for_by_its_kind_and_its_id() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for query in ["kind=user", "entity=1", "kind=team&entity=1", "user=1&kind=user&entity=1"] {
        let answer = service.api("GET", &format!("/api/deliveries?{query}"), Value::Null).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn mentions_are_removed_with_their_deliveries() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let (old, young) = (leaving("u1", &["t1"]), leaving("u2", &["t1"]));
    post_all(&service, &[old.clone(), young.clone()]).await;
    let client = database.client().await;
    let age = "update users_sync.journal set received_at = received_at - interval '60 days' where delivery_id = $1";
    client.execute(age, &[&old.id]).await.expect("it is ours");
    let before = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24);

    let pruned = users_sync::db::journal::prune(&client, before, 10, None).await;

    assert_eq!(pruned.expect("it prunes").rows, 1);
    let left = client.query("select delivery_id from users_sync.mentions", &[]).await;
    let left: Vec<String> = left.expect("rows").iter().map(|row| row.get(0)).collect();
    assert_eq!(left, [young.id]);
}

/// The page's statement as the server plans it for one entity of a large journal.
#[tokio::test]
async fn one_entity_is_found_by_index_however_large_the_journal() {
    let database = TestDatabase::new().await;
    let many = "
        insert into users_sync.journal
            (source, delivery_id, event_type, kind, entity_id, received_at, outcome)
        select 'stack', 'id ' || n, 'user.deleted', 'user', 'u' || n % 1000,
            timestamptz '2026-01-01' + n * interval '1 s', 'applied'
        from generate_series(1, 20000) n;
        insert into users_sync.mentions (source, delivery_id, kind, entity_id, version_at, received_at)
        select source, delivery_id, 'membership', 't1/' || entity_id, received_at, received_at
        from users_sync.journal;
        analyze users_sync.journal; analyze users_sync.mentions";
    let client = database.client().await;
    client.batch_execute(many).await.expect("they are journaled");
    for (name, mut statement, kind, id) in [
        ("page", page_statement(), "'user'", "'u7'"),
        ("page", page_statement(), "'membership'", "'t1/u7'"),
        ("recall", recall_statement(), "'user'", "'u7'"),
        ("recall", recall_statement(), "'membership'", "'t1/u7'"),
    ] {
        let values =
            [kind, "null", "null", "null", "null", "null", "null", "20000", "50", "null", id];
        for (place, value) in values.iter().enumerate().rev() {
            statement = statement.replace(&format!("${}", place + 3), value);
        }
        let statement = statement.replace("$2", "null").replace("$1", "null");

        let rows = client.query(&format!("explain {statement}"), &[]).await.expect("a plan");

        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{name} {kind}:\n{plan}");
        assert!(plan.contains("journal_entity_idx"), "{name} {kind}:\n{plan}");
        assert!(plan.contains("mentions_entity_idx"), "{name} {kind}:\n{plan}");
    }
}

#[tokio::test]
async fn the_deliveries_of_an_organization_can_be_replayed() {
    let database = TestDatabase::new().await;
    let service = service(&database).await;
    let created = "organizationMembership.created";
    let all = [
        organization("organization.created", "org_1"),
        membership(created, "mem_1", "user_1", "org_1"),
        user("user.created", "user_1"),
    ];
    post_all(&service, &all).await;
    let lost = "delete from neon_auth.organizations_sync";
    database.client().await.batch_execute(lost).await.expect("it is lost");
    let arguments = ["replay", "--kind", "organization", "--entity", "org_1", "--json"];

    let said = crate::harness::users_sync(database.url(), &arguments).await;

    assert_eq!(said.json()["outcomes"], json!({ "duplicate": 1 }));
    let shown = service.api("GET", "/api/organizations/org_1", Value::Null).await;
    assert_eq!((shown.status, &shown.body["name"]), (200, &json!("Acme")));
}
