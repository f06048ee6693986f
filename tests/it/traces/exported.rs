//! What is exported about a delivery, and what happens to deliveries if no collector accepts the spans.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind};
use serde_json::json;
use tokio::net::TcpListener;

use super::collector::Collector;
use crate::harness::{Program, SECRET, Scratch, Signed, TestDatabase, body};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SENDER: &str = "b7ad6b7169203331";

async fn serve(scratch: &Scratch, database: &TestDatabase, endpoint: &str) -> Program {
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20a%20key%2C%20with%20a%20comma"),
        // Spans are exported independently of the log filter.
        ("RUST_LOG", "error"),
        ("OTEL_SERVICE_NAME", "the users of the tests"),
    ];
    Program::serve(scratch.path(), &variables).await
}

/// Posts a delivery about this user, in a trace if one is given, and returns its status and its id.
async fn post(program: &Program, user: &str, traceparent: Option<&str>) -> (u16, String) {
    let event = body("clerk", "user.created", user, &json!({}));
    let signed = Signed::new("clerk", event.to_string());
    let url = format!("http://{}/webhooks/clerk", program.address);
    let mut request = reqwest::Client::new().post(url);
    for (name, value) in signed.headers() {
        request = request.header(name, value);
    }
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent);
    }
    let response = request.body(signed.body.clone()).send().await.expect("it answers");
    (response.status().as_u16(), signed.id)
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|one| one.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}

#[tokio::test]
async fn a_delivery_continues_the_trace_of_its_sender() {
    let (database, scratch) = (TestDatabase::new().await, Scratch::new().await);
    let collector = Collector::new().await;
    let program = serve(&scratch, &database, &format!("{}/", collector.url)).await;

    let sampled = format!("00-{TRACE}-{SENDER}-01");
    let (status, delivery) = post(&program, "user_1", Some(&sampled)).await;
    program.stop().await;

    assert_eq!(status, 200);
    let taken = collector.taken();
    assert_eq!(taken.services, ["the users of the tests"]);
    let named = |name| named(&taken.spans, name);
    let request = named("POST /webhooks/{source}");
    assert_eq!(hex::encode(&request.trace_id), TRACE);
    assert_eq!(hex::encode(&request.parent_span_id), SENDER);
    assert_eq!(request.kind(), SpanKind::Server);
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/webhooks/{source}"),
        ("http.response.status_code", "200"),
        ("users_sync.source", "clerk"),
        ("users_sync.delivery", &*delivery),
        ("users_sync.outcome", "applied"),
    ] {
        assert_eq!(attribute(request, name).as_deref(), Some(value), "{name}");
    }
    for child in ["verify", "decode", "wait for commit"].map(named) {
        assert_eq!(child.trace_id, request.trace_id, "{}", child.name);
        assert_eq!(child.parent_span_id, request.span_id, "{}", child.name);
    }
    let commit = named("commit");
    let linked = &commit.links[0];
    assert_eq!(linked.trace_id, request.trace_id);
    assert_eq!(linked.span_id, named("wait for commit").span_id);
    assert_ne!(commit.trace_id, request.trace_id, "a commit is of many requests");
    assert_eq!(attribute(commit, "users_sync.deliveries").as_deref(), Some("1"));
}

#[tokio::test]
async fn no_span_holds_a_part_of_a_body_or_signature() {
    let (database, scratch) = (TestDatabase::new().await, Scratch::new().await);
    let collector = Collector::new().await;
    let program = serve(&scratch, &database, &collector.url).await;

    post(&program, "user_1", None).await;
    let url = format!("http://{}/webhooks/clerk", program.address);
    let forged = reqwest::Client::new().post(url).header("svix-id", "msg_forged");
    let forged = forged.header("svix-signature", "v1,Zm9yZ2Vk").header("svix-timestamp", "1");
    forged.body("a forged body").send().await.expect("it answers");
    program.stop().await;

    let taken = collector.taken();
    assert!(taken.spans.len() > 4, "both requests were traced");
    let text = String::from_utf8_lossy(&taken.bytes);
    for hidden in ["ada@example.com", "Lovelace", "user_1", "forged", "v1,", "whsec"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

#[tokio::test]
async fn unsampled_deliveries_and_other_requests_are_not_exported() {
    let (database, scratch) = (TestDatabase::new().await, Scratch::new().await);
    let collector = Collector::new().await;
    let program = serve(&scratch, &database, &collector.url).await;

    post(&program, "user_1", Some(&format!("00-{TRACE}-{SENDER}-00"))).await;
    let probe = format!("http://{}/healthz", program.address);
    reqwest::get(probe).await.expect("it answers");
    post(&program, "user_2", Some("00-nonsense")).await;
    program.stop().await;

    let spans = collector.taken().spans;
    let requests: Vec<_> = spans.iter().filter(|span| span.kind() == SpanKind::Server).collect();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert_eq!(requests[0].parent_span_id, Vec::<u8>::new(), "its own trace begins here");
}

/// Posts many deliveries with a collector that accepts nothing, then ends the program.
async fn deliveries_before(endpoint: &str) {
    let (database, scratch) = (TestDatabase::new().await, Scratch::new().await);
    let program = serve(&scratch, &database, endpoint).await;

    let began = Instant::now();
    for user in 0..50 {
        assert_eq!(post(&program, &format!("user_{user}"), None).await.0, 200);
    }
    let posted = began.elapsed();
    let began = Instant::now();
    program.stop().await;

    assert!(posted < Duration::from_secs(10), "they were slowed down: {posted:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "the end was held up");
}

#[tokio::test]
async fn a_missing_collector_affects_no_delivery() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("a bound address"));
    drop(listener);

    deliveries_before(&endpoint).await;
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_no_delivery_and_no_exit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("a bound address"));

    deliveries_before(&endpoint).await;
}
