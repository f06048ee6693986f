//! `GET /api/status`: how things stand, in one answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;

use super::App;
use super::problem::Problem;
use super::sources::{self, Known, Standing};
use crate::db::findings::{self, Finding};
use crate::db::runs::Recorded;
use crate::db::status::{self, Counts, Reason, Users};
use crate::metrics::Rejected;

#[derive(Serialize)]
pub(super) struct Answer {
    version: &'static str,
    draining: bool,
    users: Users,
    /// Of the other kinds, by their plural.
    #[serde(flatten)]
    others: BTreeMap<&'static str, Counts>,
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
    last_backfill: Option<Recorded>,
    last_reconcile: Option<Recorded>,
    /// Until a reconcile finds no changes that came by no webhook.
    silence: Option<String>,
    /// Requests that this process refused.
    rejections: Vec<Rejections>,
}

#[derive(Serialize)]
struct Rejections {
    reason: &'static str,
    requests: u64,
    last_at: Timestamp,
}

#[derive(Serialize)]
struct Queue {
    waiting: usize,
    capacity: usize,
}

pub(super) async fn status(State(app): State<Arc<App>>) -> Result<Json<Answer>, Problem> {
    let client = super::connection_of(&app).await?;
    let (users, others, standings, quarantine, findings) = tokio::try_join!(
        status::users(&client),
        status::others(&client),
        sources::standings(&app, &client),
        status::quarantine(&client, None, None),
        findings::newest(&client),
    )
    .map_err(super::failed)?;
    let queue = app.sync.queue();
    Ok(Json(Answer {
        version: env!("CARGO_PKG_VERSION"),
        draining: app.draining.is_cancelled(),
        users,
        others: others.into_iter().map(|(kind, counts)| (kind.plural(), counts)).collect(),
        sources: standings.into_iter().map(|standing| source(&app, standing)).collect(),
        quarantine,
        findings,
        queue: Queue { waiting: queue.waiting, capacity: queue.capacity },
    }))
}

fn source(app: &App, standing: Standing) -> Source {
    let Standing { known, last_delivery_at, last_backfill, last_reconcile, silence } = standing;
    let Known { name, provider, secrets } = known;
    let rejections = app.sync.metrics().rejections(&name).into_iter().map(
        |Rejected { reason, requests, last_at }| Rejections {
            reason: reason.code(),
            requests,
            last_at,
        },
    );
    Source {
        name: name.to_string(),
        provider: provider.name,
        secrets,
        last_delivery_at,
        last_backfill,
        last_reconcile,
        silence: silence.map(|silence| silence.to_string()),
        rejections: rejections.collect(),
    }
}
