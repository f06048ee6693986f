//! Spans: what the service did for a request and how long it took, for export to a collector.
//!
//! They have their own level and target, so that they cost nothing, not even an allocation, unless they are
//! exported. Their attributes are names, ids and counts, never parts of a body.

#[cfg_attr(not(feature = "otlp"), path = "traces/absent.rs")]
mod otlp;

use http::{HeaderMap, Method};
use tracing::field::Empty;
use tracing::{Span, trace_span};
use tracing_subscriber::{Layer, Registry};

pub use otlp::Exporter;

#[derive(Clone, Debug)]
pub struct Settings {
    /// The full address for traces, including the path.
    pub endpoint: String,
    /// Sent with every export; they may hold keys.
    pub headers: HeaderMap,
    /// The name of this service in the traces.
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

/// Receives spans where logging starts.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Whether this build can export spans.
pub const AVAILABLE: bool = cfg!(feature = "otlp");

const TARGET: &str = "users_sync::traces";

/// The span of a request to this pattern of the router; it continues the trace that its `traceparent` names.
pub fn request(method: &Method, route: &str, headers: &HeaderMap) -> Span {
    // A stranger can send any method, so only known names are recorded.
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

/// Records the answer to the request of this span.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", status);
}

/// Records which delivery the request of the current span holds.
pub fn delivery(source: &str, id: &str) {
    Span::current().record("users_sync.source", source).record("users_sync.delivery", id);
}

/// Records the outcome of the delivery of the current span.
pub fn outcome(outcome: &'static str) {
    Span::current().record("users_sync.outcome", outcome);
}

/// The span of the signature check.
pub fn verifying() -> Span {
    trace_span!(target: TARGET, "verify")
}

/// The span of decoding the body.
pub fn decoding() -> Span {
    trace_span!(target: TARGET, "decode")
}

/// The span of a delivery that waits in the queue and for its commit.
pub fn waiting() -> Span {
    trace_span!(target: TARGET, "wait for commit", otel.status_code = Empty)
}

/// The span of one commit, linked to each delivery that waits for it.
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
