//! A collector: it accepts exports and remembers every span.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The header that it requires of its senders.
pub(super) const KEY: &str = "Bearer a key, with a comma";

pub(super) struct Collector {
    pub(super) url: String,
    taken: Arc<Mutex<Taken>>,
    served: JoinHandle<()>,
}

#[derive(Default)]
pub(super) struct Taken {
    pub(super) spans: Vec<Span>,
    pub(super) services: Vec<String>,
    /// The raw bytes of every export.
    pub(super) bytes: Vec<u8>,
}

impl Collector {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let taken = Arc::<Mutex<Taken>>::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(taken.clone());
        let served = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the collector serves");
        });
        Self { url, taken, served }
    }

    /// Everything that arrived so far.
    pub(super) fn taken(&self) -> Taken {
        std::mem::take(&mut *self.taken.lock().expect("nothing panics here"))
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn take(
    State(taken): State<Arc<Mutex<Taken>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if headers.get(header::AUTHORIZATION).is_none_or(|key| key != KEY) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(request) = ExportTraceServiceRequest::decode(&*body) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut taken = taken.lock().expect("nothing panics here");
    taken.bytes.extend_from_slice(&body);
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|of| of.attributes).unwrap_or_default();
        let service = attributes.into_iter().find(|one| one.key == "service.name");
        let name = service.and_then(|one| match one.value?.value? {
            Value::StringValue(name) => Some(name),
            _ => None,
        });
        taken.services.extend(name);
        taken.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
    }
    StatusCode::OK
}
