//! The list of deliveries, one delivery, and its replay.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::session::Session;
use super::times::{self, range, time};
use super::views::{self, Body, Deliveries, Delivery, Line, Named, Shown};
use super::{App, Csrf, PAGE, Problem, links, live};
use crate::db::journal::search::{self, Filter};
use crate::http::body::Form;
use crate::http::deliveries::{self as api, cursor, place};
use crate::http::{connection_of, failed, sources};
use crate::model::{Key, Kind, Outcome};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    #[serde(flatten)]
    shown: Shown,
    after: String,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    Query(Wanted { shown, after }): Query<Wanted>,
) -> Result<Response, Problem> {
    let filter = filter(&shown);
    let problem = filter.is_none().then_some(times::EXPECTED);
    let place = if after.is_empty() { None } else { Some(place(&after)?) };
    let client = connection_of(&app).await?;
    let page = search::page(&client, &filter.unwrap_or_default(), place.as_ref(), PAGE)
        .await
        .map_err(failed)?;
    let mut sources: Vec<_> = app.sources.keys().cloned().collect();
    sources.sort();
    let next = page.next.as_ref().map(|next| href(&shown, &cursor(next)));
    let deliveries = Deliveries {
        csrf: session.csrf,
        sources,
        // Older pages do not change.
        live: after.is_empty().then(|| href(&shown, "")),
        wanted: shown,
        outcomes: Outcome::ALL.map(Outcome::as_str),
        rows: page.found.into_iter().map(Line::of).collect(),
        next,
        problem,
    };
    Ok(live::page(&headers, &deliveries, &deliveries.as_live()))
}

/// An empty field sets no condition; `None` if a time is invalid.
fn filter(shown: &Shown) -> Option<Filter> {
    let Shown { source, outcome, event_type, user, kind, entity, reason, since, until } = shown;
    let filled = |text: &String| (!text.is_empty()).then(|| text.clone());
    let (since, until) = range(since, until)?;
    Some(Filter {
        source: filled(source),
        outcome: Outcome::parse(outcome),
        entity: filled(user)
            .map(Key::user)
            .or_else(|| Some(Key::new(Kind::parse(kind)?, filled(entity)?))),
        event_type: filled(event_type),
        reason: filled(reason),
        since,
        until,
    })
}

pub(super) fn href(shown: &Shown, after: &str) -> String {
    let Shown { source, outcome, event_type, user, kind, entity, reason, since, until } = shown;
    let fields = [
        ("source", &**source),
        ("outcome", outcome),
        ("type", event_type),
        ("user", user),
        ("kind", kind),
        ("entity", entity),
        ("reason", reason),
        ("since", since),
        ("until", until),
        ("after", after),
    ];
    links::query("/admin/deliveries", &fields)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Looking {
    replayed: Option<String>,
    private: Option<String>,
}

pub(super) async fn one(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    Path((source, id)): Path<(String, String)>,
    Query(Looking { replayed, private }): Query<Looking>,
) -> Result<Response, Problem> {
    let (record, recalled) = api::find(&app, &source, &id).await?;
    let text = recalled.body.map(|body| String::from_utf8_lossy(&body).into_owned());
    let processed = time(record.processed_at);
    let mut line = Line::of(record);
    if line.entities.is_empty() {
        let source = sources::named(&app, &source);
        let named = text.as_deref().and_then(|text| source?.subject(text));
        line.entities.extend(named.map(|key| Named::of(key.kind.as_str(), key.id)));
    }
    let href = links::delivery(&source, &id);
    let api = Some(links::delivery_api(&source, &id));
    let body = text.map(|text| Body::of(&text, private.is_some(), &href, api));
    let delivery = Delivery { csrf: session.csrf, line, processed, body, replayed };
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
    let href = links::query(&links::delivery(&source, &id), &[("replayed", outcome)]);
    Ok(Redirect::to(&href).into_response())
}
