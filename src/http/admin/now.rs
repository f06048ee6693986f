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
use crate::db::runs::{self, Kind, Recorded};
use crate::db::{pages, status};
use crate::http::sources::{self, Known};
use crate::http::{connection_of, failed};

pub(super) async fn now(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = connection_of(&app).await?;
    let known = sources::known(&app);
    let names = sources::names(&known);
    let (users, last, runs, silences, quarantine, findings, minutes, lag) = tokio::try_join!(
        status::users(&client),
        status::last_deliveries(&client, &names),
        runs::last(&client, &names),
        runs::silences(&client, &names),
        status::quarantine(&client, None, None),
        status::findings(&client),
        pages::minutes(&client),
        pages::lag(&client),
    )
    .map_err(failed)?;
    let sources = known.iter().zip(last);
    let causes = sources.clone().flat_map(|(known, last)| causes::of(&app, known, last, &silences));
    let seconds = |lag: Option<f64>| lag.map_or("–".into(), |lag| format!("{lag:.2} s"));
    let now = Now {
        csrf: session.csrf,
        at: time(Timestamp::now()),
        users,
        causes: causes.collect(),
        sources: sources.map(|(known, last)| line(known, last, &runs)).collect(),
        quarantined: quarantine.iter().map(|reason| reason.deliveries).sum(),
        findings,
        lag: format!("{} / {}", seconds(lag.p50), seconds(lag.p99)),
        bars: bars(&minutes),
        outcomes: totals(&minutes),
    };
    Ok(live::page(&headers, &now, &now.as_live()))
}

fn line(
    Known { name, provider, .. }: &Known,
    last: Option<Timestamp>,
    runs: &[Recorded],
) -> SourceLine {
    let of = |kind: Kind| {
        let run = runs.iter().find(|run| *run.source == **name && run.kind == kind.as_str());
        run.map(in_words).unwrap_or_default()
    };
    SourceLine {
        name: name.to_string(),
        title: provider.title,
        last: last.map(time),
        backfill: of(Kind::Backfill),
        reconcile: of(Kind::Reconcile),
    }
}

fn in_words(run: &Recorded) -> String {
    let Recorded { started_at, finished_at, outcome, counts, .. } = run;
    let outcome = outcome.as_deref().unwrap_or("unfinished");
    let at = time(finished_at.unwrap_or(*started_at));
    format!("{outcome} {at}: {} users, {} differed", counts.seen, counts.drift())
}
