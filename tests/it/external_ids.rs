//! A source with `id = "external_id"`: the ids that the application gave its users at the provider are those of the tables,
//! whatever arrives first, and a move to such a source keeps every id and every foreign key.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use users_sync::api::{self, Client};
use users_sync::provider;
use users_sync::rules::{IdRule, Rules};
use users_sync::sync::Options;

use crate::harness::{
    Front, Mirror, SECRET, Service, ServiceSettings, Signed, Vendor, body, impatient, run,
};

fn rules() -> Rules {
    Rules { id: IdRule::ExternalId, ..Rules::default() }
}

fn settings() -> ServiceSettings {
    let rules = vec![("clerk", "clerk", rules())];
    ServiceSettings { rules, ..ServiceSettings::default() }
}

/// As the service has them.
fn options() -> Options {
    let clerk = provider::find("clerk").expect("a known provider");
    let naming = [("clerk".into(), (clerk, Arc::new(rules())))].into();
    Options { naming, ..Options::default() }
}

fn client(vendor: &Vendor) -> Client {
    let settings = api::Settings { rules: rules().into(), ..vendor.settings() };
    Client::new(&settings, impatient()).expect("a client")
}

fn signed(event_type: &str, data: &Value) -> Signed {
    let id = data["id"].as_str().expect("an id");
    Signed::new("clerk", body("clerk", event_type, id, data).to_string())
}

/// A user who gets an external id after its creation, an organization with one, and the membership.
fn deliveries() -> [Signed; 5] {
    let user = |external_id: Value, updated_at: i64| json!({ "id": "own_1", "external_id": external_id, "updated_at": updated_at });
    [
        signed("user.created", &user(Value::Null, 1_750_000_000_000)),
        signed("user.updated", &user(json!("user_1"), 1_750_000_001_000)),
        signed("organization.created", &json!({ "id": "own_org", "external_id": "org_1" })),
        signed(
            "organizationMembership.created",
            &json!({
                "id": "member_1",
                "organization": { "id": "own_org" }, "public_user_data": { "user_id": "own_1" },
            }),
        ),
        signed("user.deleted", &json!({ "id": "own_1", "deleted": true })),
    ]
}

/// What the tables show, without the emptied rows of ids that have moved.
const STATE: &str = "select jsonb_build_object(
    'users', (select jsonb_object_agg(id, deleted_at is null) from neon_auth.users_sync u
        where not exists (select from users_sync.ledger l where l.id = u.id and l.purged_at is not null)),
    'emails', (select jsonb_agg(email) from neon_auth.users_sync where email is not null),
    'organizations', (select jsonb_agg(id) from neon_auth.organizations_sync),
    'memberships', (select jsonb_agg(concat_ws(' ', id, user_id, organization_id))
        from neon_auth.memberships_sync))";

fn expected(is_alive: bool) -> Value {
    json!({
        "users": { "user_1": is_alive },
        "emails": ["ada@example.com"],
        "organizations": ["org_1"],
        "memberships": ["member_1 user_1 org_1"],
    })
}

/// Every order of the numbers below this one.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..count).map(move |place| {
            let mut order = order.clone();
            order.insert(place, count - 1);
            order
        })
    };
    orders(count - 1).into_iter().flat_map(insert).collect()
}

#[tokio::test]
async fn every_order_of_arrival_ends_in_the_same_ids() {
    let front = Front::with(settings()).await;
    let deliveries = deliveries();
    for order in orders(deliveries.len()) {
        front.forget().await;
        for place in &order {
            front.receive(&deliveries[*place]).await;
        }

        let state: Value = front.one(STATE, &[]).await.get(0);
        assert_eq!(state, expected(false), "{order:?}");
    }
}

#[tokio::test]
async fn deliveries_at_the_same_time_end_in_the_same_ids() {
    let front = Front::with(settings()).await;
    let deliveries = deliveries();
    for round in 0..40 {
        front.forget().await;
        let mut posts: Vec<_> = deliveries.iter().map(|signed| front.receive(signed)).collect();
        posts.rotate_left(round % 5);

        join_all(posts).await;

        let state: Value = front.one(STATE, &[]).await.get(0);
        assert_eq!(state, expected(false), "round {round}");
    }
}

#[tokio::test]
async fn a_user_without_an_external_id_keeps_the_id_of_the_provider() {
    let front = Front::with(settings()).await;

    front.receive(&signed("user.created", &json!({ "id": "own_1" }))).await;
    front.receive(&signed("user.deleted", &json!({ "id": "own_1" }))).await;

    assert_ne!(front.user("own_1").await["deleted_at"], Value::Null);
    assert_eq!(front.users().await, 1);
}

#[tokio::test]
async fn the_row_of_an_own_id_stays_for_the_foreign_keys_on_it() {
    let front = Front::with(settings()).await;
    let [created, updated, ..] = deliveries();
    front.receive(&created).await;
    front
        .execute("create table posts (author text references neon_auth.users_sync (id)); insert into posts values ('own_1')")
        .await;

    front.receive(&updated).await;

    assert!(front.is_active("user_1").await && !front.is_active("own_1").await);
    assert_eq!(front.user("own_1").await["email"], Value::Null);
    assert_eq!(front.raw_json("own_1").await, r#"{"id": "own_1"}"#);
}

#[tokio::test]
async fn an_external_id_cannot_take_the_user_of_another_source() {
    let front = Front::with(settings()).await;
    let owner =
        body("stack", "user.created", "user_1", &json!({ "primary_email": "o@example.com" }));
    front.receive(&Signed::new("stack", owner.to_string())).await;

    let [.., deleted] = deliveries();
    let outcome = front.receive(&deliveries()[1]).await;
    front.receive(&deleted).await;

    assert_eq!(outcome, "quarantined");
    assert_eq!(front.user("user_1").await["email"], "o@example.com");
    assert_eq!(front.user("user_1").await["deleted_at"], Value::Null);
}

/// An application's table refers to users of Stack; Clerk takes them over.
struct Move {
    mirror: Mirror,
    service: Service,
    new: Vendor,
}

impl Move {
    async fn new() -> Self {
        let (old, new) = (Vendor::new("stack").await, Vendor::new("clerk").await);
        let mirror = Mirror::with(options()).await;
        old.enrol(["user_1", "user_2"]);
        for number in [1, 2] {
            let external_id = format!("user_{number}");
            new.put(&format!("own_{number}"), &json!({ "external_id": external_id }));
        }
        new.put("own_3", &json!({}));
        mirror.backfill(&old.client()).await.expect("a backfill");
        let sql = "create table posts (author text not null references neon_auth.users_sync (id));
            insert into posts values ('user_1'), ('user_1'), ('user_2')";
        mirror.database.client().await.batch_execute(sql).await.expect("a table of posts");
        let service = Service::start_with(mirror.database.url(), settings()).await;
        Self { mirror, service, new }
    }

    async fn transfer(&self, id: &str) {
        let variables =
            [("DATABASE_URL", self.mirror.database.url()), ("CLERK_WEBHOOK_SECRET", SECRET)];
        let said = run(&["users", "transfer", id, "--to", "clerk"], &variables).await;
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// How many posts each living user has.
    async fn authors(&self) -> Value {
        let sql = "select jsonb_object_agg(id, posts) from (
            select u.id, count(p) as posts from neon_auth.users_active u
            left join posts p on p.author = u.id group by u.id) a";
        self.mirror.database.client().await.query_one(sql, &[]).await.expect("one row").get(0)
    }
}

#[tokio::test]
async fn a_move_to_another_provider_keeps_ids_and_foreign_keys() {
    let case = Move::new().await;
    let data = case.new.put("own_1", &json!({ "external_id": "user_1", "first_name": "Moved" }));
    let early = case.service.post(&signed("user.created", &data)).await;
    assert_eq!(early.outcome(), "quarantined");

    case.transfer("user_1").await;
    case.transfer("user_2").await;
    let outcome = case.service.post(&signed("user.updated", &data)).await;
    assert_eq!(outcome.outcome(), "applied");
    let client = client(&case.new);
    case.mirror.backfill(&client).await.expect("a backfill of the new provider");

    assert_eq!(case.authors().await, json!({ "user_1": 2, "user_2": 1, "own_3": 0 }));
    case.mirror.settle().await;
    let report = case.mirror.reconcile(&client).await.expect("a reconcile");
    assert_eq!(report.counts.drift(), 0);
}

#[tokio::test]
async fn a_user_whom_the_new_provider_has_never_shown_is_not_deleted() {
    let case = Move::new().await;
    case.transfer("user_1").await;
    case.transfer("user_2").await;
    case.new.dismiss("own_2");
    let client = client(&case.new);

    case.mirror.backfill(&client).await.expect("a backfill of the new provider");
    case.mirror.settle().await;
    let report = case.mirror.reconcile(&client).await.expect("a reconcile");

    assert_eq!((report.counts.gone, report.skipped.unanswered), (0, 1));
    assert_eq!(case.authors().await, json!({ "user_1": 2, "user_2": 1, "own_3": 0 }));
}

#[tokio::test]
async fn the_new_provider_is_asked_by_its_own_ids() {
    let case = Move::new().await;
    case.transfer("user_1").await;
    case.transfer("user_2").await;
    let client = client(&case.new);
    case.mirror.backfill(&client).await.expect("a backfill of the new provider");
    case.mirror.settle().await;
    case.new.dismiss("own_2");

    let report = case.mirror.reconcile(&client).await.expect("a reconcile");

    assert_eq!(report.counts.gone, 1, "{report:?}");
    assert_eq!(case.authors().await, json!({ "user_1": 2, "own_3": 0 }));
    // The check of the instance asks for some users, too.
    assert!(case.new.asked("GET", "/users/own_2") > 0);
}
