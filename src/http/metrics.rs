//! `GET /metrics`, and the layer that counts and traces requests.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span};

use super::App;
use super::sources::{self, Known};
use crate::db::{findings, journal, runs};
use crate::metrics::{Observed, Reconciled, Stored};
use crate::model::Kind;
use crate::traces;

/// A scrape is answered without the database rather than late.
const TIMEOUT: Duration = Duration::from_secs(2);
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let stored = tokio::time::timeout(TIMEOUT, app.strangers.look.at(|| stored(&app)));
    let stored = stored.await.ok().flatten();
    let (pool, queue) = (app.pool.status(), app.sync.queue());
    let observed = Observed {
        queue: queue.waiting,
        held: queue.held,
        queue_capacity: queue.capacity,
        pool_idle: pool.available,
        pool_busy: pool.size.saturating_sub(pool.available),
        pool_waiting: pool.waiting,
        stored,
    };
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], app.sync.metrics().encode(&observed))
}

async fn stored(app: &App) -> Option<Stored> {
    let known = sources::known(app);
    let names = sources::names(&known);
    let client = app.pool.get().await.ok()?;
    let (quarantined, findings, repairs, silences) = tokio::try_join!(
        journal::quarantined(&client),
        findings::counts(&client),
        runs::repairs(&client, &names, Kind::User),
        runs::silences(&client, &names, Kind::User),
    )
    .ok()?;
    let reconciled = known.iter().zip(repairs).map(|(Known { name, .. }, repairs)| {
        let runs::Repairs { missing, stale, restored, gone, last_success } = repairs;
        let silent = silences.iter().find(|run| *run.source == **name);
        let unannounced = silent.map_or(0, |run| run.counts.unannounced);
        let source = name.clone();
        Reconciled { source, missing, stale, restored, gone, unannounced, last_success }
    });
    Some(Stored { quarantined, findings, reconciled: reconciled.collect() })
}

/// Counts by the pattern of the route, because a stranger can send any path.
pub(super) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let span = match route {
        "/healthz" | "/readyz" | "/metrics" | "other" => Span::none(),
        _ => traces::request(request.method(), route, request.headers()),
    };
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    app.sync.metrics().answered(route, status.as_u16());
    traces::answered(&span, status.as_u16());
    if status.is_server_error() {
        traces::failed(&span);
    }
    response
}
