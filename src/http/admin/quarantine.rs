//! The quarantine: deliveries by reason, one by one, and their replay.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::deliveries::href;
use super::session::Session;
use super::times::{self, range, time};
use super::views::{self, Group, Line, Quarantine, Shown};
use super::{App, Csrf, PAGE, Problem, links};
use crate::db::journal::search::{self, Filter};
use crate::db::status::{self, Reason};
use crate::http::body::Form;
use crate::http::deliveries::cursor;
use crate::http::{connection_of, failed, sources};
use crate::model::Outcome;
use crate::sync::replay::{self, Doing, Replayed};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    since: String,
    until: String,
    replayed: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(Wanted { since, until, replayed }): Query<Wanted>,
) -> Result<Response, Problem> {
    let times = range(&since, &until);
    let problem = times.is_none().then_some(times::EXPECTED);
    let (from, to) = times.unwrap_or_default();
    let outcome = Some(Outcome::Quarantined);
    let filter = Filter { outcome, since: from, until: to, ..Filter::default() };
    let client = connection_of(&app).await?;
    let (reasons, page) = tokio::try_join!(
        status::quarantine(&client, from, to),
        search::page(&client, &filter, None, PAGE),
    )
    .map_err(failed)?;
    let shown = Shown { outcome: "quarantined".into(), since, until, ..Shown::default() };
    let quarantine = Quarantine {
        csrf: session.csrf,
        groups: reasons.into_iter().map(|reason| group(reason, &shown)).collect(),
        next: page.next.as_ref().map(|next| href(&shown, &cursor(next))),
        rows: page.found.into_iter().map(Line::of).collect(),
        since: shown.since,
        until: shown.until,
        problem,
        replayed,
    };
    Ok(views::page(StatusCode::OK, &quarantine))
}

fn group(found: Reason, shown: &Shown) -> Group {
    let Reason { source, reason, deliveries, first_at, last_at } = found;
    let narrowed = Shown { source: source.clone(), reason: reason.clone(), ..shown.clone() };
    let (first, last) = (time(first_at), time(last_at));
    Group { href: href(&narrowed, ""), source, reason, deliveries, first, last }
}

/// An empty field matches everything.
#[derive(Deserialize)]
pub(super) struct Replay {
    #[serde(flatten)]
    csrf: Csrf,
    #[serde(default)]
    source: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
}

pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Form(form): Form<Replay>,
) -> Result<Response, Problem> {
    form.csrf.check(&session)?;
    let Replay { csrf: _, source, reason, since, until } = form;
    let (from, to) =
        range(&since, &until).ok_or_else(|| Problem::BadQuery(times::EXPECTED.into()))?;
    let filled = |text: String| (!text.is_empty()).then_some(text);
    let filter = Filter {
        source: filled(source),
        reason: filled(reason),
        outcome: Some(Outcome::Quarantined),
        since: from,
        // Deliveries that arrive during the replay need none.
        until: to.or_else(|| Some(Timestamp::now())),
        ..Filter::default()
    };
    let doing = Doing::Write(&app.sync);
    let source = |name: &str| sources::named(&app, name);
    let replayed =
        replay::replay(&app.pool, doing, &filter, source, |_| ()).await.map_err(failed)?;
    let summary = in_words(&replayed);
    let fields = [("since", &*since), ("until", &until), ("replayed", &summary)];
    Ok(Redirect::to(&links::query("/admin/quarantine", &fields)).into_response())
}

fn in_words(replayed: &Replayed) -> String {
    let Replayed { outcomes, without_body, without_source } = replayed;
    let outcomes = outcomes.iter().map(|(word, count)| (*word, *count));
    let skipped = [
        ("left out, because the bytes are not kept", *without_body),
        ("left out, because the source is not configured", *without_source),
    ];
    let reported = outcomes.chain(skipped).filter(|(_, count)| *count > 0);
    let reported: Vec<_> = reported.map(|(word, count)| format!("{count} {word}")).collect();
    if reported.is_empty() { "nothing".into() } else { reported.join(", ") }
}
