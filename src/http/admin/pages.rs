//! What each page is made of.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::session::Session;
use super::views::{self, Deliveries, Delivery, Line, Quarantine, Shown, User};
use super::{App, Csrf, Problem};
use crate::db::journal::search::{self, Filter, Record};
use crate::db::{pages, status};
use crate::explain::pretty;
use crate::http::deliveries::{self as api, cursor, place};
use crate::http::{connection_of, failed};
use crate::model::Outcome;
use crate::sync::replay::{self, Doing, Replayed};

const PAGE: i64 = 50;

/// As the form of the page sends it: what is empty was not filled in.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    source: String,
    outcome: String,
    #[serde(rename = "type")]
    event_type: String,
    user: String,
    since: String,
    until: String,
    after: String,
}

pub(super) async fn deliveries(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { source, outcome, event_type, user, since, until, after } = wanted;
    let (filter, problem) = match (moment(&since), moment(&until)) {
        (Ok(since), Ok(until)) => {
            let outcome = Outcome::parse(&outcome);
            let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
            let (source, event_type, user) = (filled(&source), filled(&event_type), filled(&user));
            (Filter { source, outcome, user, event_type, since, until }, None)
        }
        _ => (Filter::default(), Some("a time is written as 2026-01-31T12:00:00Z".to_owned())),
    };
    let after = if after.is_empty() { None } else { Some(place(&after)?) };
    let client = connection_of(&app).await?;
    let page = search::page(&client, &filter, after.as_ref(), PAGE).await.map_err(failed)?;
    let shown = Shown { source, outcome, event_type, user, since, until };
    let mut sources: Vec<_> = app.sources.keys().cloned().collect();
    sources.sort();
    let next = page.next.as_ref().map(|next| next_href("/admin/deliveries", &shown, &cursor(next)));
    let deliveries = Deliveries {
        csrf: session.csrf,
        sources,
        wanted: shown,
        outcomes: Outcome::ALL.map(Outcome::as_str),
        rows: page.found.into_iter().map(line).collect(),
        next,
        problem,
    };
    Ok(views::page(StatusCode::OK, &deliveries))
}

fn moment(text: &str) -> Result<Option<Timestamp>, jiff::Error> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

fn next_href(path: &str, shown: &Shown, after: &str) -> String {
    let Shown { source, outcome, event_type, user, since, until } = shown;
    let fields = [
        ("source", source),
        ("outcome", outcome),
        ("type", event_type),
        ("user", user),
        ("since", since),
        ("until", until),
    ];
    let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let query: String = filled.map(|(name, value)| format!("{name}={}&", quoted(value))).collect();
    format!("{path}?{query}after={after}")
}

/// For a path or a query.
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    replayed: Option<String>,
}

pub(super) async fn delivery(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Path((source, id)): Path<(String, String)>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    let (record, recalled) = api::find(&app, &source, &id).await?;
    let body = recalled.body.map(|body| pretty(&String::from_utf8_lossy(&body)));
    let processed = time(record.processed_at);
    let delivery = Delivery {
        csrf: session.csrf,
        line: line(record),
        processed,
        body,
        replayed: done.replayed,
    };
    Ok(views::page(StatusCode::OK, &delivery))
}

pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Path((source, id)): Path<(String, String)>,
    Form(form): Form<Csrf>,
) -> Result<Response, Problem> {
    form.check(&session)?;
    let outcome = api::replay_one(&app, &source, &id).await?;
    let href = format!("{}?replayed={outcome}", delivery_href(&source, &id));
    Ok(Redirect::to(&href).into_response())
}

#[derive(Deserialize)]
pub(super) struct WantedUser {
    id: String,
    #[serde(default)]
    after: String,
}

pub(super) async fn user(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(WantedUser { id, after }): Query<WantedUser>,
) -> Result<Response, Problem> {
    let after = if after.is_empty() { None } else { Some(place(&after)?) };
    let client = connection_of(&app).await?;
    let filter = Filter { user: Some(id.clone()), ..Filter::default() };
    let known = pages::user(&client, &id).await.map_err(failed)?;
    let page = search::page(&client, &filter, after.as_ref(), PAGE).await.map_err(failed)?;
    let raw_json = known.as_ref().and_then(|known| known.raw_json.as_deref()).map(pretty);
    let next = page
        .next
        .as_ref()
        .map(|next| format!("/admin/users?id={}&after={}", quoted(&id), cursor(next)));
    let user = User {
        csrf: session.csrf,
        id,
        known,
        raw_json: raw_json.unwrap_or_default(),
        rows: page.found.into_iter().map(line).collect(),
        next,
    };
    Ok(views::page(StatusCode::OK, &user))
}

pub(super) async fn quarantine(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Query(done): Query<Done>,
) -> Result<Response, Problem> {
    let client = connection_of(&app).await?;
    let reasons = status::quarantine(&client).await.map_err(failed)?;
    let quarantine = Quarantine { csrf: session.csrf, reasons, replayed: done.replayed };
    Ok(views::page(StatusCode::OK, &quarantine))
}

#[derive(Deserialize)]
pub(super) struct ReplayQuarantined {
    #[serde(flatten)]
    csrf: Csrf,
    source: String,
}

pub(super) async fn replay_quarantined(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Form(form): Form<ReplayQuarantined>,
) -> Result<Response, Problem> {
    form.csrf.check(&session)?;
    let (source, outcome) = (Some(form.source), Some(Outcome::Quarantined));
    let until = Some(Timestamp::now());
    let filter = Filter { source, outcome, until, ..Filter::default() };
    let doing = Doing::Write(&app.sync);
    let source = |name: &str| app.sources.get(name).cloned();
    let Replayed { outcomes, .. } =
        replay::replay(&app.pool, doing, &filter, source, |_| ()).await.map_err(failed)?;
    let words: Vec<_> = outcomes.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let href = format!("/admin/quarantine?replayed={}", quoted(&words.join(", ")));
    Ok(Redirect::to(&href).into_response())
}

fn delivery_href(source: &str, id: &str) -> String {
    format!("/admin/deliveries/{}/{}", quoted(source), quoted(id))
}

fn line(record: Record) -> Line {
    Line {
        href: delivery_href(&record.source, &record.delivery_id),
        user_href: record.entity_id.as_deref().map(|id| format!("/admin/users?id={}", quoted(id))),
        id: record.delivery_id,
        received: time(record.received_at),
        source: record.source,
        event_type: record.event_type.unwrap_or_default(),
        user: record.entity_id,
        version: record.version_at.map(time).unwrap_or_default(),
        attempts: record.attempts,
        outcome: record.outcome,
        reason: record.reason.unwrap_or_default(),
    }
}

pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}
