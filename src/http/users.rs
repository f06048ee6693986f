//! `/api/users`: a user that is waited for, fetched or created.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;

use super::problem::Problem;
use super::{App, body};
use crate::api;
use crate::db::users::UserRow;
use crate::json::MAX_ID_LEN;
use crate::provider::api::NewUser;
use crate::sync::users::Error;

/// A connection is not held for longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Longest key: it is an index key.
const LONGEST_KEY: usize = 255;

#[derive(Deserialize)]
pub(super) struct Waiting {
    wait: Option<String>,
}

/// `GET /api/users/{id}?wait=2s`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(Waiting { wait }): Query<Waiting>,
) -> Result<Response, Problem> {
    let id = possible(id)?;
    let wait = wait.as_deref().map_or(Ok(Duration::ZERO), duration)?;
    let row = app.users.wait(&id, wait.min(LONGEST_WAIT)).await.map_err(problem)?;
    // Written from the row that all waiting requests share.
    row.map(|row| Json(&*row).into_response()).ok_or(Problem::NoSuchUser)
}

/// `POST /api/users/{id}/sync`
pub(super) async fn sync(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<UserRow>, Problem> {
    let id = possible(id)?;
    let row = app.users.sync(&id).await.map_err(problem)?;
    row.map(Json).ok_or(Problem::NoSuchUser)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    source: Option<String>,
    email: String,
    name: Option<String>,
}

/// `POST /api/users`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let key = idempotency_key(&head.headers)?;
    let body = body::read(&app, &head, body).await?;
    // serde's words may quote a value.
    let wanted: Wanted = serde_json::from_slice(&body)
        .map_err(|_| Problem::BadRequest("the body is not {\"email\", \"name\"?, \"source\"?}"))?;
    let user = NewUser { email: wanted.email, name: wanted.name };
    let created = app.users.create(wanted.source.as_deref(), &user, key).await.map_err(problem)?;
    let status = if created.before { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(created.row.ok_or(Problem::NoSuchUser)?)).into_response())
}

/// Any other id cannot be in the table.
pub(super) fn possible(id: String) -> Result<String, Problem> {
    let possible = id.len() <= MAX_ID_LEN && !id.contains('\0');
    if possible { Ok(id) } else { Err(Problem::NoSuchUser) }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
    key.map(Some).ok_or(Problem::BadRequest("the Idempotency-Key is not 1 to 255 visible bytes"))
}

fn duration(text: &str) -> Result<Duration, Problem> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|time| Duration::try_from(time).ok());
    parsed.ok_or(Problem::BadRequest("`wait` is not a length of time, such as 2s or 500ms"))
}

/// Only the log contains the provider's answer.
pub(super) fn problem(error: Error) -> Problem {
    match error {
        Error::NoApi => Problem::BadRequest("no provider can be asked: no API key is configured"),
        Error::WhichSource => Problem::BadRequest("`source` is needed: several can be asked"),
        Error::NoSuchSource(name) => Problem::NoSuchSource(name),
        Error::TooEarly(wait) | Error::Older(wait) => {
            Problem::Unconfirmed { detail: error.to_string(), wait: Some(wait) }
        }
        Error::OfAnother(_) | Error::OfNone | Error::Refused(_) => {
            Problem::Unconfirmed { detail: error.to_string(), wait: None }
        }
        Error::UnderWay => Problem::UnderWay,
        Error::KeyReused => Problem::KeyReused,
        Error::Api(api::Error::OnlyRead) => Problem::BadRequest(
            "this provider's users cannot be created or deleted here: use its dashboard",
        ),
        Error::Api(api) => {
            let error = crate::error_chain(&api);
            tracing::warn!(error, "a request of /api failed at the provider");
            if api.is_rejection() { Problem::ProviderRefuses } else { Problem::ProviderFails }
        }
        Error::Readings(readings) => {
            let error = crate::error_chain(&readings);
            tracing::error!(error, "the database did not answer a request of /api");
            Problem::Unavailable(crate::sync::Unavailable::Database)
        }
    }
}
