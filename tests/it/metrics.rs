//! What `/metrics` tells, and what it must never tell.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::json;
use users_sync::metrics::names;

use crate::harness::{Service, ServiceSettings, Signed, TestDatabase, body};
use crate::organizations::{of_stack, organization};

pub(crate) async fn scrape(service: &Service) -> String {
    let answer = service.get("/metrics").await;
    assert_eq!(answer.status, 200);
    answer.body.as_str().expect("text").to_owned()
}

/// The value of one series.
pub(crate) fn value(text: &str, series: &str) -> Option<f64> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
    line?.rsplit(' ').next()?.parse().ok()
}

fn user(event: &str, id: &str) -> Signed {
    Signed::new("clerk", body("clerk", event, id, &json!({})).to_string())
}

#[tokio::test]
async fn deliveries_are_counted_by_source_event_and_outcome() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let created = user("user.created", "user_1");

    service.post(&created).await;
    service.post(&created).await;
    service.post(&user("user.deleted", "user_1")).await;
    service.post(&Signed::new("stack", "not JSON")).await;

    let text = scrape(&service).await;
    let count = |source, event, outcome| {
        let labels = format!("{{source=\"{source}\",event=\"{event}\",outcome=\"{outcome}\"}}");
        value(&text, &format!("users_sync_deliveries_total{labels}"))
    };
    assert_eq!(count("clerk", "user.created", "applied"), Some(1.0), "{text}");
    assert_eq!(count("clerk", "user.created", "duplicate"), Some(1.0));
    assert_eq!(count("clerk", "user.deleted", "applied"), Some(1.0));
    assert_eq!(count("stack", "other", "quarantined"), Some(1.0));
    assert_eq!(value(&text, "users_sync_quarantined_deliveries"), Some(1.0));
    assert_eq!(value(&text, "users_sync_database_up"), Some(1.0));
    let lag = value(&text, "users_sync_event_to_commit_seconds_count{source=\"clerk\"}");
    assert_eq!(lag, Some(2.0), "only what was applied has a lag");
    assert!(value(&text, "users_sync_batch_commit_seconds_count") >= Some(1.0));
}

#[tokio::test]
async fn changes_are_counted_by_the_kind_of_their_entity() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let left = json!({ "id": "u1", "teams": [{ "id": "t1" }, { "id": "t2" }] });

    service.post(&organization("organization.created", "org_1")).await;
    service.post(&of_stack("user.deleted", &left)).await;
    service.post(&Signed::new("clerk", "not JSON")).await;

    let text = scrape(&service).await;
    let count = |source, kind| {
        let labels = format!("{{source=\"{source}\",kind=\"{kind}\"}}");
        value(&text, &format!("users_sync_changes_total{labels}"))
    };
    assert_eq!((count("clerk", "organization"), count("clerk", "user")), (Some(1.0), None));
    assert_eq!((count("stack", "user"), count("stack", "membership")), (Some(1.0), Some(2.0)));
}

#[tokio::test]
async fn an_event_type_that_a_stranger_makes_up_becomes_other() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;

    for number in 0..20 {
        let made_up = json!({ "type": format!("made.up.{number}"), "data": {} });
        service.post(&Signed::new("clerk", made_up.to_string())).await;
        service.get(&format!("/made/up/{number}")).await;
    }

    let text = scrape(&service).await;
    assert!(!text.contains("made"), "{text}");
    let labels = "{source=\"clerk\",event=\"other\",outcome=\"ignored\"}";
    assert_eq!(value(&text, &format!("users_sync_deliveries_total{labels}")), Some(20.0));
    assert_eq!(
        value(&text, "users_sync_requests_total{route=\"other\",status=\"404\"}"),
        Some(20.0)
    );
}

#[tokio::test]
async fn signature_failures_are_counted_by_reason() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let now = jiff::Timestamp::now().as_second();

    service.post(&user("user.created", "user_1").signed_with(b"another key")).await;
    service.post(&user("user.created", "user_1").sent_at(now - 4000)).await;
    service.post(&user("user.created", "user_1").sent_at(now + 4000)).await;

    let text = scrape(&service).await;
    for reason in ["no_secret_matches", "too_old", "too_new"] {
        let labels = format!("{{source=\"clerk\",reason=\"{reason}\"}}");
        assert_eq!(value(&text, &format!("users_sync_rejections_total{labels}")), Some(1.0));
    }
    let refused = "users_sync_requests_total{route=\"/webhooks/{source}\",status=\"401\"}";
    assert_eq!(value(&text, refused), Some(3.0), "{text}");
}

#[tokio::test]
async fn a_rotation_is_proved_by_the_place_of_the_secret_that_matches() {
    let database = TestDatabase::new().await;
    let keys = vec![b"the new key".to_vec(), b"the old key".to_vec()];
    let settings = ServiceSettings { keys, ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;

    service.post(&user("user.created", "user_1").signed_with(b"the old key")).await;
    service.post(&user("user.created", "user_2").signed_with(b"the new key")).await;
    service.post(&user("user.created", "user_3").signed_with(b"the new key")).await;

    let text = scrape(&service).await;
    let matches = |place| {
        let labels = format!("{{source=\"clerk\",place=\"{place}\"}}");
        value(&text, &format!("users_sync_secret_matches_total{labels}"))
    };
    assert_eq!((matches(1), matches(2)), (Some(2.0), Some(1.0)), "{text}");
}

#[tokio::test]
async fn metrics_are_told_while_the_database_is_away() {
    let mut server = crate::harness::PrivateServer::start().await;
    let service = Service::start(server.url()).await;
    server.stop().await;

    let text = scrape(&service).await;

    assert_eq!(value(&text, "users_sync_database_up"), Some(0.0), "{text}");
}

#[tokio::test]
async fn no_address_no_id_and_no_secret_is_in_the_metrics() {
    let database = TestDatabase::new().await;
    let keys = vec![b"a key that nobody may read".to_vec()];
    let settings = ServiceSettings { keys: keys.clone(), ..ServiceSettings::default() };
    let service = Service::start_with(database.url(), settings).await;
    let signed = user("user.created", "user_1").signed_with(&keys[0]);

    service.post(&signed).await;
    service.post(&Signed { signature: "v1,c2VjcmV0".into(), ..signed.clone() }).await;

    let text = scrape(&service).await;
    use base64::Engine;
    let secret = base64::engine::general_purpose::STANDARD.encode(&keys[0]);
    for private in ["@", "user_1", &signed.id, &secret, "a key that", "c2VjcmV0", "Lovelace"] {
        assert!(!text.contains(private), "{private} is in {text}");
    }
}

/// The words of a file that begin like a metric of ours, without what the text format adds.
fn asked(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).expect("it is there");
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let names = text.split(word).filter(|word| word.starts_with("users_sync_"));
    let bare = |name: &str| {
        ["_bucket", "_total", "_info"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name)
            .to_owned()
    };
    names.map(bare).collect()
}

#[test]
fn dashboard_and_alerts_ask_only_for_metrics_that_there_are_and_the_dashboard_for_each() {
    let there_are = names::ALL.map(str::to_owned).into();
    let mut dashboard = asked("ops/grafana-dashboard.json");

    assert!(asked("ops/prometheus-rules.yml").is_subset(&there_are));
    assert!(dashboard.is_subset(&there_are));

    dashboard.insert(names::QUEUE_CAPACITY.to_owned());
    assert_eq!(dashboard, there_are);
}

#[test]
fn promtool_accepts_the_alerts_where_it_is_installed() {
    for arguments in
        [["check", "rules", "prometheus-rules.yml"], ["test", "rules", "prometheus-rules.test.yml"]]
    {
        let Ok(output) = Command::new("promtool").args(arguments).current_dir("ops").output()
        else {
            return;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
