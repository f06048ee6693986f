//! Changes without a webhook: a reconcile in any process finds them, and every surface shows them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use users_sync::sync::Options;

use crate::harness::{
    API_KEY, Fault, Mirror, Service, ServiceSettings, Vendor, eventually, run as run_program,
};
use crate::metrics::{scrape, value};

/// A service that received no delivery about some changes.
struct Silent {
    vendor: Vendor,
    mirror: Mirror,
    service: Service,
    /// When they were made.
    since: Timestamp,
}

fn ago(seconds: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_secs(seconds)
}

impl Silent {
    async fn since_some_minutes(changes: usize) -> Self {
        let (vendor, mirror) = (Vendor::new("clerk").await, Mirror::new().await);
        let put = |number: usize, name: &str, at: Timestamp| {
            let fields = json!({ "first_name": name, "updated_at": at.as_millisecond() });
            vendor.put(&format!("user_{number}"), &fields);
        };
        (0..=changes).for_each(|number| put(number, "Ada", ago(7200)));
        mirror.backfill(&vendor.client()).await.expect("a backfill");
        mirror.execute("update users_sync.runs set started_at = now() - interval '1 hour'").await;
        let since = ago(1200);
        (0..changes).for_each(|number| put(number, "Grace", since));
        let service = mirror.serve(&vendor, Options::default()).await;
        Self { vendor, mirror, service, since }
    }

    /// `users-sync reconcile`, in a process of its own.
    async fn reconcile(&self) -> (i32, String) {
        let (database, url) = (self.mirror.database.url(), self.vendor.url());
        let variables =
            [("DATABASE_URL", database), ("CLERK_SECRET_KEY", API_KEY), ("CLERK_API_URL", &url)];
        let said = run_program(&["reconcile"], &variables).await;
        (said.code, said.out)
    }

    /// What the status says of the first source.
    async fn status(&self) -> Value {
        let mut status = self.service.api("GET", "/api/status", Value::Null).await.body;
        status["sources"][0].take()
    }

    async fn metric(&self, series: &str) -> Option<f64> {
        value(&scrape(&self.service).await, series)
    }
}

const UNANNOUNCED: &str = "users_sync_unannounced_changes{source=\"clerk\"}";
const MISSING: &str = "users_sync_reconcile_repairs_total{source=\"clerk\",kind=\"missing\"}";
const STALE: &str = "users_sync_reconcile_repairs_total{source=\"clerk\",kind=\"stale\"}";
const LAST: &str = "users_sync_reconcile_last_success_time_seconds{source=\"clerk\"}";

#[tokio::test]
async fn the_status_shows_the_last_runs_and_the_silence_until_a_reconcile_finds_none() {
    let silent = Silent::since_some_minutes(14).await;
    let before = silent.status().await;

    let (code, reported) = silent.reconcile().await;
    let found = silent.status().await;
    silent.reconcile().await;
    let after = silent.status().await;

    let sentence = format!(
        "14 changes since {} arrived by no webhook: is the endpoint enabled and subscribed to user.created and user.updated?",
        silent.since.strftime("%Y-%m-%d %H:%M UTC")
    );
    assert_eq!((before["silence"].as_str(), before["last_reconcile"].as_object()), (None, None));
    assert_eq!(before["last_backfill"]["seen"], 15);
    assert_eq!((code, reported.contains(&sentence)), (0, true), "{reported}");
    assert_eq!(found["silence"], sentence.as_str());
    let run = &found["last_reconcile"];
    assert_eq!((run["outcome"].as_str(), run["reason"].as_str()), (Some("done"), None), "{run}");
    assert_eq!([&run["seen"], &run["stale"], &run["unannounced"]], [15, 14, 14]);
    assert!(run["started_at"].is_string() && run["finished_at"].is_string(), "{run}");
    assert_eq!(after["silence"], Value::Null);
    assert_eq!([&after["last_reconcile"]["seen"], &after["last_reconcile"]["stale"]], [15, 0]);
}

#[tokio::test]
async fn a_reconcile_that_fails_does_not_end_the_silence() {
    let silent = Silent::since_some_minutes(1).await;
    silent.reconcile().await;
    silent.vendor.desk().stumbles = Some((1, Fault::Html(403)));

    let (code, _) = silent.reconcile().await;

    let status = silent.status().await;
    assert_eq!((code, status["last_reconcile"]["outcome"].as_str()), (1, Some("failed")));
    let sentence = status["silence"].as_str().expect("it stands");
    assert!(sentence.starts_with("1 change since "), "{sentence}");
    assert_eq!(silent.metric(UNANNOUNCED).await, Some(1.0));
}

#[tokio::test]
async fn the_metrics_contain_the_repairs_of_another_process() {
    let silent = Silent::since_some_minutes(14).await;
    let began = Timestamp::now().as_duration().as_secs_f64();
    assert_eq!(silent.metric(STALE).await, Some(0.0));
    assert_eq!(silent.metric(LAST).await, None);

    silent.reconcile().await;
    let found = scrape(&silent.service).await;
    silent.reconcile().await;

    assert_eq!((value(&found, STALE), value(&found, UNANNOUNCED)), (Some(14.0), Some(14.0)));
    assert!(value(&found, LAST) > Some(began - 60.0), "{found}");
    for kind in ["missing", "restored", "gone"] {
        assert_eq!(value(&found, &STALE.replace("stale", kind)), Some(0.0), "{kind}");
    }
    assert_eq!(silent.metric(STALE).await, Some(14.0));
    assert_eq!(silent.metric(UNANNOUNCED).await, Some(0.0));
}

#[tokio::test]
async fn repairs_of_runs_that_are_forgotten_stay_counted() {
    let silent = Silent::since_some_minutes(0).await;
    let many = "insert into users_sync.runs (kind, source, outcome, finished_at, missing)
        select 'reconcile', 'clerk', 'done', now(), 2 from generate_series(1, 1200)";
    silent.mirror.execute(many).await;
    assert_eq!(silent.metric(MISSING).await, Some(2400.0));

    silent.reconcile().await;
    silent.reconcile().await;

    let left = "select count(*) from users_sync.runs where kind = 'reconcile'";
    assert_eq!(silent.mirror.count(left).await, 1001);
    assert_eq!(silent.metric(MISSING).await, Some(2400.0));
}

#[tokio::test]
async fn the_silence_outlives_more_failures_than_are_remembered() {
    let silent = Silent::since_some_minutes(3).await;
    silent.reconcile().await;
    let many = "insert into users_sync.runs (kind, source, outcome, finished_at)
        select 'reconcile', 'clerk', 'failed', now() from generate_series(1, 1200)";
    silent.mirror.execute(many).await;
    silent.vendor.desk().stumbles = Some((1, Fault::Html(403)));

    silent.reconcile().await;

    assert_eq!(silent.metric(UNANNOUNCED).await, Some(3.0));
    assert!(silent.metric(LAST).await.is_some());
}

#[tokio::test]
async fn a_reconcile_that_is_killed_has_recorded_its_repairs() {
    let silent = Silent::since_some_minutes(0).await;
    let ids: Vec<_> = (0..700).map(|number| format!("user_new_{number}")).collect();
    silent.vendor.enrol(ids.iter().map(String::as_str));
    silent.vendor.desk().silent_after = Some(1);
    let client = silent.vendor.client();

    let reported = async || silent.metric(MISSING).await == Some(499.0);
    tokio::select! {
        result = silent.mirror.reconcile(&client) => panic!("the second page never comes: {result:?}"),
        () = eventually("the first page is recorded", reported) => {}
    }

    assert_eq!(silent.status().await["last_reconcile"]["outcome"], Value::Null);
    assert_eq!(silent.mirror.alive().await.len(), 500);
}

#[tokio::test]
async fn a_source_that_can_only_be_asked_is_in_the_status_too() {
    let silent = Silent::since_some_minutes(2).await;
    let clients = vec![std::sync::Arc::new(silent.vendor.client())];
    let settings = ServiceSettings { providers: Vec::new(), clients, ..ServiceSettings::default() };
    let service = Service::start_with(silent.mirror.database.url(), settings).await;
    let silent = Silent { service, ..silent };

    silent.reconcile().await;

    let status = silent.status().await;
    assert_eq!((status["name"].as_str(), status["secrets"].as_u64()), (Some("clerk"), Some(0)));
    assert!(
        status["silence"].as_str().is_some_and(|reported| reported.starts_with("2 changes since "))
    );
    assert_eq!(silent.metric(UNANNOUNCED).await, Some(2.0));
}
