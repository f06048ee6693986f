//! `/api/deliveries`: what arrived, what became of it, and once more.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{App, sources};
use crate::db::journal::search::{self, Filter, Place, Recalled, Record};
use crate::db::values::Moment;
use crate::model::{Key, Kind, Outcome};
use crate::sync;
use crate::sync::replay::{Missing, delivery};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    source: Option<String>,
    outcome: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    user: Option<String>,
    kind: Option<String>,
    entity: Option<String>,
    reason: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The `next` of the page before.
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct Answer {
    deliveries: Vec<Record>,
    next: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Whole {
    #[serde(flatten)]
    record: Record,
    /// As text; what is not UTF-8 is replaced.
    body: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Replayed {
    outcome: &'static str,
}

const MOST: i64 = 500;

const EXPECTED: &str = "it takes source, outcome, type, user, kind and entity, reason, since, until, after and limit; a time is written as 2026-01-31T12:00:00Z";

pub(super) async fn list(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    // The words of the rejection may quote a value.
    let Query(wanted) = wanted.map_err(|_| Problem::BadQuery(EXPECTED.into()))?;
    let after = wanted.after.as_deref().map(place).transpose()?;
    let limit = wanted.limit.unwrap_or(50).clamp(1, MOST);
    let filter = filter(wanted)?;
    let client = super::connection_of(&app).await?;
    let page =
        search::page(&client, &filter, after.as_ref(), limit).await.map_err(super::failed)?;
    Ok(Json(Answer { deliveries: page.found, next: page.next.as_ref().map(cursor) }))
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path((source, id)): Path<(String, String)>,
) -> Result<Json<Whole>, Problem> {
    let (record, recalled) = find(&app, &source, &id).await?;
    let body = recalled.body.map(|body| String::from_utf8_lossy(&body).into_owned());
    Ok(Json(Whole { record, body }))
}

pub(super) async fn replay(
    State(app): State<Arc<App>>,
    Path((source, id)): Path<(String, String)>,
) -> Result<Json<Replayed>, Problem> {
    Ok(Json(Replayed { outcome: replay_one(&app, &source, &id).await? }))
}

/// Puts one delivery of the journal through once more, and answers its outcome.
pub(super) async fn replay_one(app: &App, source: &str, id: &str) -> Result<&'static str, Problem> {
    let (_, recalled) = find(app, source, id).await?;
    let delivery = delivery(recalled, &|name: &str| sources::named(app, name)).map_err(
        |missing| match missing {
            Missing::Body => Problem::BodyNotKept,
            Missing::Source => Problem::NoSuchSource(source.to_owned()),
        },
    )?;
    Ok(sync::accept(&app.sync, delivery).await?.as_str())
}

pub(super) async fn find(app: &App, source: &str, id: &str) -> Result<(Record, Recalled), Problem> {
    let client = super::connection_of(app).await?;
    let found = search::find(&client, source, id).await.map_err(super::failed)?;
    found.ok_or(Problem::NoSuchDelivery)
}

fn filter(wanted: Wanted) -> Result<Filter, Problem> {
    let Wanted { source, outcome, event_type, user, kind, entity, reason, since, until, .. } =
        wanted;
    let words = || Outcome::ALL.map(Outcome::as_str).join(", ");
    let outcome = outcome
        .map(|word| {
            let unknown = || Problem::BadQuery(format!("outcome is one of {}", words()));
            Outcome::parse(&word).ok_or_else(unknown)
        })
        .transpose()?;
    let entity = match (user, kind, entity) {
        (Some(id), None, None) => Some(Key::user(id)),
        (None, Some(kind), Some(id)) => Some(Key::new(self::kind(&kind)?, id)),
        (None, None, None) => None,
        _ => return Err(Problem::BadQuery("either user, or both kind and entity".into())),
    };
    Ok(Filter { source, outcome, entity, event_type, reason, since, until })
}

pub(super) fn kind(word: &str) -> Result<Kind, Problem> {
    let words = || Kind::ALL.map(Kind::as_str).join(", ");
    Kind::parse(word).ok_or_else(|| Problem::BadQuery(format!("kind is one of {}", words())))
}

/// Opaque to callers, so that what it holds may change.
pub(super) fn cursor(place: &Place) -> String {
    let Place { received_at, source, delivery_id } = place;
    URL_SAFE_NO_PAD.encode(format!("{}\n{source}\n{delivery_id}", received_at.as_microsecond()))
}

pub(super) fn place(cursor: &str) -> Result<Place, Problem> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (received_at, rest) = text.split_once('\n')?;
        let (source, delivery_id) = rest.split_once('\n')?;
        let received_at = Moment::from_microsecond(received_at.parse().ok()?)?;
        let place = Place { received_at, source: source.into(), delivery_id: delivery_id.into() };
        (!text.contains('\0')).then_some(place)
    };
    read().ok_or_else(|| Problem::BadQuery("after is the `next` of another page".into()))
}
