//! The first page: what is going on, and what somebody should look at.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

use super::chart::{bars, totals};
use super::session::Session;
use super::times::time;
use super::views::{Now, SourceLine};
use super::{App, Problem, causes, live};
use crate::db::runs::Recorded;
use crate::db::{findings, pages, status};
use crate::http::sources::{self, Standing};
use crate::http::{connection_of, failed};

pub(super) async fn now(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = connection_of(&app).await?;
    let (users, others, standings, quarantine, findings, minutes, lag) = tokio::try_join!(
        status::users(&client),
        status::others(&client),
        sources::standings(&app, &client),
        status::quarantine(&client, None, None),
        findings::newest(&client),
        pages::minutes(&client),
        pages::lag(&client),
    )
    .map_err(failed)?;
    let seconds = |lag: Option<f64>| lag.map_or("–".into(), |lag| format!("{lag:.2} s"));
    let now = Now {
        csrf: session.csrf,
        at: time(Timestamp::now()),
        users,
        others,
        causes: causes::all(&app, &standings),
        sources: standings.iter().map(line).collect(),
        quarantined: quarantine.iter().map(|reason| reason.deliveries).sum(),
        findings,
        lag: format!("{} / {}", seconds(lag.p50), seconds(lag.p99)),
        bars: bars(&minutes),
        outcomes: totals(&minutes),
    };
    Ok(live::page(&headers, &now, &now.as_live()))
}

fn line(standing: &Standing) -> SourceLine {
    let run = |run: &Option<Recorded>| run.as_ref().map(in_words).unwrap_or_default();
    SourceLine {
        name: standing.known.name.to_string(),
        title: standing.known.provider.title,
        last: standing.last_delivery_at.map(time),
        backfill: run(&standing.last_backfill),
        reconcile: run(&standing.last_reconcile),
    }
}

fn in_words(run: &Recorded) -> String {
    let Recorded { started_at, finished_at, outcome, counts, .. } = run;
    let outcome = outcome.as_deref().unwrap_or("unfinished");
    let at = time(finished_at.unwrap_or(*started_at));
    format!("{outcome} {at}: {} users, {} differed", counts.seen, counts.drift())
}
