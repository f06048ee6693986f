//! A key of another instance: its API knows other users, and says of ours that they are gone.

use serde_json::{Value, json};
use users_sync::sync::Options;
use users_sync::sync::backfill;
use users_sync::sync::guard::Why;
use users_sync::sync::reconcile::Error;

use crate::harness::{
    API_KEY, Mirror, Program, SECRET, Said, Service, Signed, Vendor, body, eventually, run,
};
use crate::metrics::{scrape, value};

/// Twenty users who came by deliveries, and the API of an instance that has others.
struct Desk {
    provider: &'static str,
    mirror: Mirror,
    vendor: Vendor,
    service: Service,
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user_{number:05}")).collect()
}

impl Desk {
    async fn new(provider: &'static str, users: usize, strangers: usize) -> Self {
        let (vendor, mirror) = (Vendor::new(provider).await, Mirror::new().await);
        let service = mirror.serve(&vendor, Options::default()).await;
        for id in ids(users) {
            let body = body(provider, "user.created", &id, &json!({})).to_string();
            service.post(&Signed::new(provider, body)).await;
        }
        for number in 0..strangers {
            vendor.put(&format!("stranger_{number}"), &json!({}));
        }
        mirror.settle().await;
        Self { provider, mirror, vendor, service }
    }

    /// The program, with the key of the other instance.
    async fn run(&self, arguments: &[&str]) -> Said {
        let (database, url) = (self.mirror.database.url(), self.vendor.url());
        let variables = [
            ("DATABASE_URL", database),
            ("CLERK_SECRET_KEY", API_KEY),
            ("CLERK_API_URL", &url),
            ("CLERK_WEBHOOK_SECRET", SECRET),
        ];
        run(arguments, &variables).await
    }

    async fn findings(&self) -> i64 {
        let sql = "select count(*) from users_sync.findings where id = 'clerk'";
        self.mirror.count(sql).await
    }

    async fn refused(&self) -> i64 {
        let sql = "select count(*) from users_sync.runs where outcome = 'refused'";
        self.mirror.count(sql).await
    }
}

#[tokio::test]
async fn a_key_of_another_instance_neither_deletes_nor_adds_users() {
    for (provider, strangers) in [("clerk", 3), ("clerk", 0), ("clerk", 600), ("stack", 3)] {
        let desk = Desk::new(provider, 20, strangers).await;
        let client = desk.vendor.client();

        for _ in 0..3 {
            let result = desk.mirror.reconcile(&client).await;
            let Err(Error::Refused(refusal)) = result else { panic!("{provider}: {result:?}") };
            assert_eq!((refusal.why, refusal.known), (Why::Strangers, 20));
        }

        assert_eq!(desk.mirror.alive().await, ids(20), "{} {strangers}", desk.provider);
        assert_eq!(desk.refused().await, 3);
    }
}

#[tokio::test]
async fn a_backfill_with_another_key_does_not_speak_for_the_next_reconcile() {
    let desk = Desk::new("clerk", 20, 600).await;
    let client = desk.vendor.client();

    let filled = desk.mirror.backfill(&client).await;
    let reconciled = desk.mirror.reconcile(&client).await;

    assert!(matches!(filled, Err(backfill::Error::Refused(_))), "{filled:?}");
    assert!(matches!(reconciled, Err(Error::Refused(_))), "{reconciled:?}");
    assert_eq!(desk.mirror.alive().await, ids(20));
    assert_eq!(desk.findings().await, 2);
}

#[tokio::test]
async fn a_refusal_is_reported_everywhere_and_can_be_overruled() {
    let desk = Desk::new("clerk", 20, 3).await;

    let looked = desk.run(&["reconcile", "--dry-run"]).await;
    let refused = desk.run(&["reconcile"]).await;
    let few = desk.run(&["reconcile", "--allow-deletes", "19"]).await;
    let reported = desk.run(&["doctor"]).await;
    let status = desk.service.api("GET", "/api/status", Value::Null).await.body;
    let metrics = scrape(&desk.service).await;

    assert_eq!((looked.code, refused.code, few.code), (2, 1, 1));
    let sentence = &refused.err;
    assert!(sentence.contains("is CLERK_SECRET_KEY of another instance"), "{sentence}");
    assert!(sentence.contains("--allow-deletes 20`"), "{sentence}");
    assert_eq!(reported.code, 1);
    assert!(reported.out.contains("finding: reconcile clerk"), "{reported:?}");
    assert!(
        reported.out.contains("FAIL  api of clerk: the provider has none of the users"),
        "{reported:?}"
    );
    assert_eq!(status["findings"][0]["subject"], "reconcile");
    assert_eq!(status["sources"][0]["last_reconcile"]["outcome"], "refused");
    assert_eq!(value(&metrics, "users_sync_findings{subject=\"reconcile\"}"), Some(1.0));
    assert_eq!(desk.mirror.alive().await.len(), 20);

    let insisted = desk.run(&["reconcile", "--allow-deletes", "20"]).await;

    assert_eq!(insisted.code, 0, "{insisted:?}");
    assert_eq!(desk.mirror.alive().await, ["stranger_0", "stranger_1", "stranger_2"]);
    assert_eq!(desk.findings().await, 0);
}

#[tokio::test]
async fn another_key_deletes_no_single_user_either() {
    for provider in ["clerk", "stack"] {
        let desk = Desk::new(provider, 20, 3).await;

        let synced = desk.service.api("POST", "/api/users/user_00000/sync", Value::Null).await;
        let deleted = desk.service.users.delete(None, "user_00001").await;

        let detail = synced.body["detail"].as_str().unwrap_or_default();
        assert_eq!(synced.status, 409, "{provider}: {synced:?}");
        assert!(detail.starts_with("the provider has none of the users"), "{provider}: {synced:?}");
        assert!(deleted.is_err(), "{provider}: {deleted:?}");
        assert_eq!(desk.mirror.alive().await, ids(20), "{provider}");
        desk.vendor.put("user_00019", &json!({}));
        let synced = desk.service.api("POST", "/api/users/user_00000/sync", Value::Null).await;
        assert_ne!(synced.body["deleted_at"], Value::Null, "{provider}: {synced:?}");
    }
}

#[tokio::test]
async fn the_service_with_another_key_deletes_no_user_by_itself() {
    let desk = Desk::new("clerk", 20, 3).await;
    let (dir, url) = (crate::harness::Scratch::new().await, desk.vendor.url());
    let variables = [
        ("DATABASE_URL", desk.mirror.database.url()),
        ("CLERK_SECRET_KEY", API_KEY),
        ("CLERK_API_URL", &url),
        ("CLERK_WEBHOOK_SECRET", SECRET),
    ];

    let service = Program::serve(dir.path(), &variables).await;

    eventually("it was refused", async || desk.refused().await == 1).await;
    assert_eq!(desk.mirror.alive().await, ids(20));
    service.stop().await;
}

#[tokio::test]
async fn a_list_without_most_of_the_users_deletes_no_user() {
    let cases = [(1, 1, true), (2, 1, false), (2, 2, true), (3, 1, false), (3, 2, true)];
    for (users, gone, is_refused) in cases.into_iter().chain([(4, 2, false), (30, 16, true)]) {
        let desk = Desk::new("clerk", users, 0).await;
        desk.vendor.enrol(ids(users)[gone..].iter().map(String::as_str));

        let result = desk.mirror.reconcile(&desk.vendor.client()).await;

        let left = if is_refused { users } else { users - gone };
        assert_eq!(desk.mirror.alive().await.len(), left, "{users} {gone}: {result:?}");
        assert_eq!(matches!(result, Err(Error::Refused(_))), is_refused, "{users} {gone}");
    }
}

#[tokio::test]
async fn the_finding_of_a_refusal_ends_with_a_run_that_is_done() {
    let desk = Desk::new("clerk", 3, 0).await;
    desk.mirror.reconcile(&desk.vendor.client()).await.expect_err("it is refused");
    assert_eq!(desk.findings().await, 1);

    desk.vendor.enrol(ids(3).iter().map(String::as_str));
    desk.mirror.reconcile(&desk.vendor.client()).await.expect("a repair");

    assert_eq!(desk.findings().await, 0);
}

#[tokio::test]
async fn another_project_is_refused_by_its_name_until_it_is_insisted_on() {
    let desk = Desk::new("stack", 5, 0).await;
    desk.vendor.enrol(ids(5).iter().map(String::as_str));
    let named = |project: &str| {
        let mut settings = desk.vendor.settings();
        settings.credentials[0] = project.into();
        users_sync::api::Client::new(&settings, crate::harness::impatient()).expect("a client")
    };
    desk.mirror.reconcile(&named("one")).await.expect("the first time");

    let refused = desk.mirror.reconcile(&named("two")).await.expect_err("another project");
    let filled = desk.mirror.backfill(&named("two")).await.expect_err("another project");
    desk.mirror.reconcile(&named("one")).await.expect("as it was");
    desk.mirror.reconcile_allowing(&named("two"), 5).await.expect("it is insisted on");
    desk.mirror.reconcile(&named("two")).await.expect("it is known now");

    let sentence = "STACK_PROJECT_ID names another instance than that of the 5 users in the table";
    assert!(refused.to_string().starts_with(sentence), "{refused}");
    assert!(filled.to_string().starts_with(sentence), "{filled}");
    assert!(!refused.to_string().contains("two"), "{refused}");
}

#[tokio::test]
async fn another_key_is_refused_although_the_table_was_emptied() {
    for provider in ["clerk", "stack"] {
        let desk = Desk::new(provider, 20, 3).await;
        desk.mirror.execute("truncate neon_auth.users_sync").await;

        let error = desk.mirror.reconcile(&desk.vendor.client()).await.expect_err("it is refused");

        assert!(
            matches!(&error, Error::Refused(refusal) if refusal.why == Why::Strangers),
            "{error}"
        );
        assert!(desk.mirror.alive().await.is_empty(), "{provider}");
        desk.vendor.enrol(["user_00000"]);
        desk.mirror.reconcile(&desk.vendor.client()).await.expect("it is the right one");
        assert!(desk.mirror.alive().await.contains(&"user_00000".to_owned()), "{provider}");
    }
}
