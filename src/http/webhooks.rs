//! `POST /webhooks/{source}`

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use jiff::Timestamp;
use serde::Serialize;

use super::problem::Problem;
use super::{App, Limits};
use crate::{sync, traces};

#[derive(Serialize)]
pub(super) struct Answer {
    outcome: &'static str,
}

/// Answers after the commit that holds the delivery.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    // No source has a name that is not text.
    let Path(source) = path.map_err(|_| Problem::NoSuchRoute)?;
    let Some(source) = app.sources.get(&source) else {
        return Err(Problem::NoSuchSource(source));
    };
    let (head, body) = request.into_parts();
    let body = read(&head.headers, body, &app.limits).await?;
    let verified =
        traces::verifying().in_scope(|| source.verify(&head.headers, body, Timestamp::now()));
    let delivery = verified.inspect_err(|rejection| {
        app.sync.metrics().rejected(&source.name, rejection);
        tracing::warn!(source = %source.name, reason = %rejection, "a request was rejected");
    })?;
    traces::delivery(&source.name, delivery.id().as_str());
    if let Some(place) = delivery.secret() {
        app.sync.metrics().secret_matched(&source.name, place);
    }
    let outcome = sync::accept(&app.sync, delivery).await?;
    traces::outcome(outcome.as_str());
    Ok(Json(Answer { outcome: outcome.as_str() }))
}

/// The whole body, within its limit of bytes and of time.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: &Limits,
) -> Result<Bytes, Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<usize>().ok()) > Some(limits.body) {
        return Err(Problem::BodyTooLarge(limits.body));
    }
    let body = Limited::new(body, limits.body).collect();
    let body = tokio::time::timeout(limits.body_timeout, body)
        .await
        .map_err(|_| Problem::BodyTooSlow)?
        .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => Problem::BodyTooLarge(limits.body),
            None => Problem::BodyBroken,
        })?;
    Ok(body.to_bytes())
}
