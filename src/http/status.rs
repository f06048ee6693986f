//! `GET /api/status`: how things stand, in one answer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::App;
use super::problem::Problem;
use crate::db::status::{self, Finding, Reason, Users};

#[derive(Serialize)]
pub(super) struct Answer {
    version: &'static str,
    draining: bool,
    users: Users,
    sources: Vec<Source>,
    quarantine: Vec<Reason>,
    findings: Vec<Finding>,
    queue: Queue,
}

#[derive(Serialize)]
struct Source {
    name: String,
    provider: &'static str,
    secrets: usize,
    last_delivery_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Queue {
    waiting: usize,
    capacity: usize,
}

pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Json<Answer>, Problem> {
    let client = super::connection_of(&app).await?;
    let mut sources: Vec<_> = app.sources.values().collect();
    sources.sort_by_key(|source| source.name.clone());
    let names: Vec<_> = sources.iter().map(|source| &*source.name).collect();

    let (users, last, quarantine, findings) = tokio::try_join!(
        status::users(&client),
        status::last_deliveries(&client, &names),
        status::quarantine(&client),
        status::findings(&client),
    )
    .map_err(super::failed)?;
    let source = |(source, last): (&&crate::webhook::Source, _)| Source {
        name: source.name.to_string(),
        provider: source.provider.name,
        secrets: source.secrets.len(),
        last_delivery_at: last,
    };
    let queue = app.sync.queue();
    Ok(Json(Answer {
        version: env!("CARGO_PKG_VERSION"),
        draining: app.draining.is_cancelled(),
        users,
        sources: sources.iter().zip(last).map(source).collect(),
        quarantine,
        findings,
        queue: Queue { waiting: queue.waiting, capacity: queue.capacity },
    }))
}
