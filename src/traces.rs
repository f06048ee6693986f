//! Spans: what was done for a request and how long it took, for whoever sends them on.
//!
//! They have a level and a target of their own, so that nothing is made of them, and nothing allocated, unless they are
//! exported. Their attributes are names, ids and counts: nothing of a body.

#[cfg_attr(not(feature = "otlp"), path = "traces/absent.rs")]
mod otlp;

use http::{HeaderMap, Method};
use tracing::field::Empty;
use tracing::{Span, trace_span};
use tracing_subscriber::{Layer, Registry};

pub use otlp::Exporter;

/// Where spans are sent.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of traces alone, with its path.
    pub endpoint: String,
    /// Sent with every export; keys may be among them.
    pub headers: HeaderMap,
    /// What this service is called there.
    pub service: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this build of users-sync has no OTLP: build it with `--features otlp`, or unset OTEL_EXPORTER_OTLP_ENDPOINT"
    )]
    NotBuilt,
    #[cfg(feature = "otlp")]
    #[error("the exporter cannot be made")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Takes spans from where logs are started.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Whether this build can export spans.
pub const AVAILABLE: bool = cfg!(feature = "otlp");

const TARGET: &str = "users_sync::traces";

/// A request to this pattern of the router, as a part of the trace that its `traceparent` names.
pub fn request(method: &Method, route: &str, headers: &HeaderMap) -> Span {
    // A stranger's method may be any word.
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "_OTHER",
    };
    let span = trace_span!(
        target: TARGET,
        parent: None,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        users_sync.source = Empty,
        users_sync.delivery = Empty,
        users_sync.outcome = Empty,
    );
    if !span.is_disabled() {
        otlp::continue_trace(&span, headers);
    }
    span
}

/// How the request of this span was answered.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
}

/// Which delivery the request of the current span turned out to be.
pub fn delivery(source: &str, id: &str) {
    Span::current().record("users_sync.source", source).record("users_sync.delivery", id);
}

/// What became of the delivery of the current span.
pub fn outcome(outcome: &'static str) {
    Span::current().record("users_sync.outcome", outcome);
}

/// The signature is checked.
pub fn verifying() -> Span {
    trace_span!(target: TARGET, "verify")
}

/// The body is read.
pub fn decoding() -> Span {
    trace_span!(target: TARGET, "decode")
}

/// A delivery waits in the queue and for its commit.
pub fn waiting() -> Span {
    trace_span!(target: TARGET, "wait for commit", otel.status_code = Empty)
}

/// One commit, linked to each of the deliveries that wait for it.
pub fn committing<'a>(waiting: impl ExactSizeIterator<Item = &'a Span>) -> Span {
    let span = trace_span!(
        target: TARGET,
        parent: None,
        "commit",
        otel.status_code = Empty,
        users_sync.deliveries = waiting.len(),
    );
    if !span.is_disabled() {
        waiting.for_each(|waiting| {
            span.follows_from(waiting);
        });
    }
    span
}

pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
