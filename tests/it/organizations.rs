//! Organizations and memberships over `/api`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::{Service, Signed, TestDatabase, body};

/// An event of Clerk's about an organization, made now.
pub(crate) fn organization(event: &str, id: &str) -> Signed {
    let now = Timestamp::now().as_millisecond();
    let data = json!({
        "id": id, "name": "Acme", "slug": "acme", "private_metadata": { "tier": 2 },
        "created_at": now, "updated_at": now
    });
    Signed::new("clerk", json!({ "type": event, "timestamp": now, "data": data }).to_string())
}

/// An event of Clerk's about a membership, made now; it says who the user is.
pub(crate) fn membership(event: &str, id: &str, user: &str, organization: &str) -> Signed {
    let now = Timestamp::now().as_millisecond();
    let data = json!({
        "id": id, "role": "org:admin", "permissions": ["org:billing:manage"],
        "organization": { "id": organization, "name": "Acme" },
        "public_user_data": {
            "user_id": user, "first_name": "Ada", "identifier": "ada@example.com"
        },
        "created_at": now, "updated_at": now
    });
    Signed::new("clerk", json!({ "type": event, "timestamp": now, "data": data }).to_string())
}

pub(crate) fn user(event: &str, id: &str) -> Signed {
    Signed::new("clerk", body("clerk", event, id, &json!({})).to_string())
}

/// An event of Stack's.
pub(crate) fn of_stack(event: &str, data: &Value) -> Signed {
    Signed::new("stack", json!({ "type": event, "data": data }).to_string())
}

pub(crate) async fn post_all(service: &Service, all: &[Signed]) {
    for signed in all {
        assert_eq!(service.post(signed).await.outcome(), "applied");
    }
}

async fn get(service: &Service, path: &str) -> (u16, Value) {
    let answer = service.api("GET", path, Value::Null).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn an_organization_is_shown_as_its_row_is() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    post_all(&service, &[organization("organization.created", "org_1")]).await;

    let (status, shown) = get(&service, "/api/organizations/org_1").await;

    assert_eq!(status, 200, "{shown}");
    assert_eq!((&shown["id"], &shown["name"]), (&json!("org_1"), &json!("Acme")));
    assert_eq!((&shown["slug"], &shown["source"]), (&json!("acme"), &json!("clerk")));
    assert_eq!((&shown["deleted_at"], &shown["disabled"]), (&Value::Null, &json!(false)));
    assert_eq!(shown["raw_json"]["private_metadata"]["tier"], 2);
}

#[tokio::test]
async fn an_organization_or_user_that_is_not_known_is_a_problem_with_404() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let long = format!("/api/organizations/{}", "x".repeat(300));

    for path in [
        "/api/organizations/org_1",
        "/api/organizations/org_1/members",
        "/api/users/user_1/memberships",
        &long,
    ] {
        let (status, problem) = get(&service, path).await;
        assert_eq!((status, &problem["status"]), (404, &json!(404)), "{path}: {problem}");
    }
}

#[tokio::test]
async fn the_members_come_in_pages_with_their_roles() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    post_all(&service, &[organization("organization.created", "org_1")]).await;
    for number in 0..5 {
        let (id, user_id) = (format!("mem_{number}"), format!("user_{number}"));
        let member = membership("organizationMembership.created", &id, &user_id, "org_1");
        post_all(&service, &[user("user.created", &user_id), member]).await;
    }
    let other = membership("organizationMembership.created", "mem_9", "user_1", "org_2");
    post_all(&service, &[other]).await;

    let (mut met, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let path = format!("/api/organizations/org_1/members?limit=2{after}");
        let (status, page) = get(&service, &path).await;
        assert_eq!(status, 200, "{page}");
        pages += 1;
        met.extend(page["members"].as_array().expect("a list").clone());
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }

    let users: Vec<_> = met.iter().map(|member| member["user_id"].as_str()).collect();
    let expected: Vec<_> = (0..5).map(|number| format!("user_{number}")).collect();
    assert_eq!(users, expected.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert_eq!(pages, 3);
    assert_eq!((&met[0]["role"], &met[0]["active"]), (&json!("org:admin"), &json!(true)));
    assert_eq!(met[0]["permissions"], json!(["org:billing:manage"]));
    assert_eq!(met[0]["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_membership_counts_only_while_all_its_sides_are_active() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let created = "organizationMembership.created";
    post_all(
        &service,
        &[
            membership(created, "mem_a", "user_1", "org_a"),
            membership(created, "mem_b", "user_1", "org_b"),
            membership(created, "mem_c", "user_1", "org_c"),
            membership(created, "mem_d", "user_1", "org_d"),
            organization("organization.created", "org_a"),
            organization("organization.created", "org_b"),
            organization("organization.created", "org_c"),
            organization("organization.deleted", "org_b"),
            membership("organizationMembership.deleted", "mem_c", "user_1", "org_c"),
        ],
    )
    .await;
    let active = async || {
        let (_, found) = get(&service, "/api/users/user_1/memberships").await;
        let found = found["memberships"].as_array().expect("a list").clone();
        assert_eq!(found.len(), 4, "all of them are told: {found:?}");
        let active = found.iter().filter(|found| found["active"] == true);
        active.map(|found| found["organization_id"].as_str().map(str::to_owned)).collect()
    };

    let before: Vec<Option<String>> = active().await;
    post_all(&service, &[user("user.created", "user_1")]).await;
    let known: Vec<Option<String>> = active().await;
    post_all(&service, &[user("user.deleted", "user_1")]).await;
    let deleted: Vec<Option<String>> = active().await;

    assert_eq!(before, [], "the user has not come yet");
    assert_eq!(known, [Some("org_a".to_owned())], "deleted, deleted, and not there");
    assert_eq!(deleted, []);
}

#[tokio::test]
async fn a_membership_of_a_banned_user_does_not_count() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let banned = body("clerk", "user.created", "user_1", &json!({ "banned": true }));
    let all = [
        organization("organization.created", "org_1"),
        membership("organizationMembership.created", "mem_1", "user_1", "org_1"),
        Signed::new("clerk", banned.to_string()),
    ];
    post_all(&service, &all).await;

    let (_, found) = get(&service, "/api/organizations/org_1/members").await;

    assert_eq!(found["members"][0]["active"], false, "{found}");
}

#[tokio::test]
async fn a_page_of_members_that_cannot_be_understood_is_a_problem() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for query in ["after=nonsense", "limit=x", "before=1"] {
        let (status, problem) =
            get(&service, &format!("/api/organizations/org_1/members?{query}")).await;
        assert_eq!((status, &problem["status"]), (400, &json!(400)), "{query}: {problem}");
    }
}

#[tokio::test]
async fn the_status_counts_every_kind() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let now = Timestamp::now().as_millisecond();
    let role = json!({
        "id": "role_1", "key": "org:admin", "permissions": [], "created_at": now, "updated_at": now
    });
    let role = json!({ "type": "role.created", "data": role }).to_string();
    post_all(
        &service,
        &[
            organization("organization.created", "org_1"),
            organization("organization.created", "org_2"),
            organization("organization.deleted", "org_2"),
            membership("organizationMembership.created", "mem_1", "user_1", "org_1"),
            Signed::new("clerk", role),
            of_stack("project_permission.created", &json!({ "id": "read", "user_id": "u" })),
        ],
    )
    .await;

    let (_, status) = get(&service, "/api/status").await;

    let counts = |total, deleted| json!({ "total": total, "exact": true, "deleted": deleted, "deleted_exact": true });
    assert_eq!(status["organizations"], counts(2, 1));
    for kind in ["memberships", "roles", "grants"] {
        assert_eq!(status[kind], counts(1, 0), "{kind}");
    }
    assert_eq!(status["users"]["total"], 0);
}
