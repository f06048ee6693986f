//! Sends spans over OTLP: protobuf over HTTP, in batches, from a separate thread. A request never waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;

use super::{Error, Settings, SpanLayer, TARGET};

/// The last spans are dropped if the collector does not accept them within this time.
const FLUSH: Duration = Duration::from_secs(3);

/// Sends spans until it is finished.
pub struct Exporter(SdkTracerProvider);

impl Exporter {
    /// The layer must be installed to receive the spans. A collector that does not answer is reported later and
    /// never stops the service.
    pub fn start(settings: &Settings) -> Result<(Self, SpanLayer), Error> {
        let Settings { endpoint, headers, service } = settings;
        let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        let headers = headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .with_headers(headers.collect())
            .build()?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service.clone());
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(LogsFailures { exporter, failing: AtomicBool::new(false) })
            .with_resource(resource.with_attribute(version).build())
            .build();
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("users-sync"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TARGET));
        Ok((Self(provider), layer.boxed()))
    }

    /// Sends the remaining spans, for a bounded time.
    pub async fn finish(self) {
        let flushed = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH));
        if !matches!(flushed.await, Ok(Ok(()))) {
            tracing::warn!("the collector did not accept the last spans");
        }
    }
}

/// Makes this request a part of the trace that its sender began.
pub(super) fn continue_trace(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&Carrier(headers));
    if context.span().span_context().is_valid() {
        // Fails if no layer exports spans; then there is no trace to continue.
        let _ = span.set_parent(context);
    }
}

struct Carrier<'a>(&'a HeaderMap);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Logs when exports begin to fail and when they succeed again, instead of logging each failure.
#[derive(Debug)]
struct LogsFailures<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for LogsFailures<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch).await;
        let failed = result.is_err();
        match (self.failing.swap(failed, Ordering::Relaxed), failed) {
            // The error's own text may hold the address, and a key in it.
            (false, true) => {
                tracing::warn!(
                    "the collector does not accept spans: check OTEL_EXPORTER_OTLP_ENDPOINT and the collector; deliveries are not affected"
                );
            }
            (true, false) => tracing::info!("the collector accepts spans again"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
