//! Who may do what: the views over organizations, memberships, roles and grants, and the functions for policies.

mod any_order;
mod endings;
mod large;
mod policies;
mod sources;
mod stack;
mod stubs;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Client;
use users_sync::ksuid;

use crate::harness::{Service, Signed, TestDatabase};

/// When every history of these tests begins, in milliseconds.
const BEGIN: i64 = 1_750_000_000_000;

/// A service, and the eyes of the tables' owner.
struct Stage {
    database: TestDatabase,
    service: Service,
    client: Client,
}

impl Stage {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let service = Service::start(database.url()).await;
        let client = database.client().await;
        Self { database, service, client }
    }

    async fn receive(&self, deliveries: &[Signed]) {
        for signed in deliveries {
            assert!(["applied", "stale"].contains(&self.service.post(signed).await.outcome()));
        }
    }

    /// What an expression of SQL is.
    async fn is(&self, expression: &str) -> bool {
        let sql = format!("select {expression}");
        self.client.query_one(&sql, &[]).await.expect(expression).get(0)
    }

    async fn may(&self, user: &str, organization: &str, permission: &str) -> bool {
        self.is(&format!("users_sync.has_permission('{user}', '{organization}', '{permission}')"))
            .await
    }

    /// The rows of memberships_active.
    async fn memberships(&self) -> Value {
        let sql = "select coalesce(jsonb_agg(to_jsonb(m) order by to_jsonb(m)), '[]')
            from neon_auth.memberships_active m";
        self.client.query_one(sql, &[]).await.expect("the view").get(0)
    }

    async fn execute(&self, sql: &str) {
        self.client.batch_execute(sql).await.expect(sql);
    }
}

/// A delivery of Clerk's about what happened so many seconds after the beginning.
fn clerk(event_type: &str, second: i64, data: Value) -> Signed {
    let at = BEGIN + second * 1000;
    let mut data = data;
    data["created_at"] = json!(BEGIN);
    data["updated_at"] = json!(at);
    let body = json!({ "object": "event", "type": event_type, "timestamp": at, "data": data });
    Signed::new("clerk", body.to_string())
}

fn clerk_user(second: i64, id: &str, banned: bool) -> Signed {
    clerk("user.updated", second, json!({ "id": id, "banned": banned }))
}

fn clerk_organization(second: i64, id: &str) -> Signed {
    clerk("organization.updated", second, json!({ "id": id, "name": id }))
}

fn clerk_role(second: i64, id: &str, key: &str, permissions: &[&str]) -> Signed {
    let permissions: Vec<_> = permissions.iter().map(|key| json!({ "key": key })).collect();
    clerk("role.updated", second, json!({ "id": id, "key": key, "permissions": permissions }))
}

/// A member with a role, as an event of this name says it.
fn clerk_membership(event: &str, second: i64, member: [&str; 2], role: &str) -> Signed {
    let [user, organization] = member;
    let data = json!({
        "id": format!("orgmem_{user}_{organization}"),
        "role": role,
        "permissions": ["org:of_the_membership"],
        "organization": { "id": organization },
        "public_user_data": { "user_id": user },
    });
    clerk(&format!("organizationMembership.{event}"), second, data)
}

/// A user who is a member of an organization, with a role that may read and write posts.
fn clerk_admin() -> [Signed; 4] {
    [
        clerk_user(0, "u1", false),
        clerk_organization(0, "o1"),
        clerk_role(0, "r1", "org:admin", &["org:posts:read", "org:posts:write"]),
        clerk_membership("created", 0, ["u1", "o1"], "org:admin"),
    ]
}

/// A delivery of Stack's that was made so many seconds after the beginning.
fn stack(event_type: &str, second: i64, data: &Value) -> Signed {
    let body = json!({ "type": event_type, "data": data }).to_string();
    let made = Timestamp::from_millisecond(BEGIN + second * 1000).expect("a time");
    Signed::new("stack", body).with_id(&format!("msg_{}", ksuid::new(made)))
}

/// A user who is a member of a team.
fn stack_member() -> [Signed; 3] {
    [
        stack("user.created", 0, &json!({ "id": "s1" })),
        stack("team.created", 0, &json!({ "id": "t1" })),
        stack_membership("created", 1),
    ]
}

fn stack_membership(event: &str, second: i64) -> Signed {
    let data = json!({ "team_id": "t1", "user_id": "s1" });
    stack(&format!("team_membership.{event}"), second, &data)
}

fn stack_grant(event: &str, second: i64, permission: &str) -> Signed {
    let data = json!({ "id": permission, "team_id": "t1", "user_id": "s1" });
    stack(&format!("team_permission.{event}"), second, &data)
}

fn stack_project_grant(event: &str, second: i64, permission: &str) -> Signed {
    let data = json!({ "id": permission, "user_id": "s1" });
    stack(&format!("project_permission.{event}"), second, &data)
}
