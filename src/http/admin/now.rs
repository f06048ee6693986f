//! The first page: what is going on, and what somebody should look at.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::chart::{bars, totals};
use super::pages::time;
use super::session::Session;
use super::views::{self, Now, SourceLine};
use super::{App, Problem};
use crate::db::runs::{self, Kind, Recorded};
use crate::db::{pages, status};
use crate::http::sources::{self, Known};
use crate::http::{connection_of, failed};

const SILENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

pub(super) async fn now(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
) -> Result<Response, Problem> {
    let client = connection_of(&app).await?;
    let known = sources::known(&app);
    let names = sources::names(&known);
    let (users, last, runs, silences, quarantine, findings, minutes, lag) = tokio::try_join!(
        status::users(&client),
        status::last_deliveries(&client, &names),
        runs::last(&client, &names),
        runs::silences(&client, &names),
        status::quarantine(&client),
        status::findings(&client),
        pages::minutes(&client),
        pages::lag(&client),
    )
    .map_err(failed)?;
    let sources = known.iter().zip(last).map(|(known, last)| line(known, last, &runs, &silences));
    let seconds = |lag: Option<f64>| lag.map_or("–".into(), |lag| format!("{lag:.2} s"));
    let now = Now {
        csrf: session.csrf,
        users,
        sources: sources.collect(),
        quarantined: quarantine.iter().map(|reason| reason.deliveries).sum(),
        findings,
        lag: format!("{} / {}", seconds(lag.p50), seconds(lag.p99)),
        bars: bars(&minutes),
        outcomes: totals(&minutes),
    };
    Ok(views::page(StatusCode::OK, &now))
}

fn line(
    Known { name, provider, secrets }: &Known,
    last: Option<Timestamp>,
    runs: &[Recorded],
    silences: &[Recorded],
) -> SourceLine {
    let of = |kind: Kind| {
        let run = runs.iter().find(|run| *run.source == **name && run.kind == kind.as_str());
        run.map(in_words).unwrap_or_default()
    };
    let long_ago = |last: Timestamp| Timestamp::now().duration_since(last) > SILENCE;
    let unannounced = silences.iter().find(|run| *run.source == **name);
    SourceLine {
        name: name.to_string(),
        title: provider.title,
        // What sends nothing anyway is not missed.
        silent: *secrets > 0 && last.is_none_or(long_ago),
        last: last.map(time),
        unannounced: unannounced.and_then(|run| run.counts.silence()).map(|told| told.to_string()),
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
