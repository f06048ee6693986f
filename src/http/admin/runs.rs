//! Backfills and reconciles, the newest first.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::session::Session;
use super::times::time;
use super::views::{self, RunLine, Runs};
use super::{App, PAGE, Problem};
use crate::db::runs::{self, Recorded};
use crate::http::sources;
use crate::http::{connection_of, failed};
use crate::model::Kind;

#[derive(Deserialize)]
pub(super) struct Place {
    before: Option<i64>,
}

pub(super) async fn runs(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(Place { before }): Query<Place>,
) -> Result<Response, Problem> {
    let client = connection_of(&app).await?;
    let known = sources::known(&app);
    let names = sources::names(&known);
    let (silences, found) = tokio::try_join!(
        runs::silences(&client, &names, Kind::User),
        runs::recent(&client, before, PAGE),
    )
    .map_err(failed)?;
    let silence = |run: Recorded| Some((run.source.clone(), run.counts.silence()?.to_string()));
    let is_full = i64::try_from(found.len()).is_ok_and(|len| len == PAGE);
    let last = found.last().map(|(id, _)| *id);
    let runs = Runs {
        csrf: session.csrf,
        silences: silences.into_iter().filter_map(silence).collect(),
        rows: found.into_iter().map(|(_, run)| line(run)).collect(),
        next: last.filter(|_| is_full).map(|last| format!("/admin/runs?before={last}")),
    };
    Ok(views::page(StatusCode::OK, &runs))
}

fn line(run: Recorded) -> RunLine {
    let Recorded { kind, source, entity, started_at, finished_at, outcome, reason, counts } = run;
    RunLine {
        started: time(started_at),
        finished: finished_at.map(time).unwrap_or_default(),
        kind: if Kind::parse(&entity) == Some(Kind::User) {
            kind
        } else {
            format!("{kind} of {entity}s")
        },
        source,
        outcome: outcome.unwrap_or_else(|| "unfinished".into()),
        reason: reason.unwrap_or_default(),
        counts,
    }
}
