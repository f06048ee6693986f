//! `POST /webhooks/{source}`

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::Method;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::problem::Problem;
use super::strangers::LeftOut;
use super::unrouted::Unrouted;
use super::{App, body, seats, unrouted};
use crate::api::{self, KeysUnavailable};
use crate::model::Outcome;
use crate::signature::Rejection;
use crate::webhook::Source;
use crate::{sync, traces};

#[derive(Serialize)]
pub(super) struct Answer {
    outcome: &'static str,
    /// Set if the provider asks whether a user may sign up.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<bool>,
}

/// Answers after the commit that holds the delivery.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Answer>, Problem> {
    // No source has a name that is not text.
    let name = path.ok().map(|Path(name)| name);
    let Some(source) = name.as_ref().and_then(|name| app.sources.get(name)) else {
        unrouted::count(&app, request.headers(), &Unrouted::Source(name.as_deref()));
        return Err(name.map_or(Problem::NoSuchRoute, Problem::NoSuchSource));
    };
    let (head, body) = request.into_parts();
    if (source.provider.asks_permission)(&head.headers) {
        return Ok(Json(Answer { outcome: Outcome::Ignored.as_str(), allowed: Some(true) }));
    }
    // A request that cannot be signed does not make us wait for its body.
    let screened = source.screen(&head.headers);
    screened.inspect_err(|rejection| refuse(&app, source, rejection))?;
    let body = body::read(&app, &head, body).await?;
    api::ready(source, &head.headers, &body)
        .await
        .inspect_err(|error| keyless(&app, source, error))?;
    let verified =
        traces::verifying().in_scope(|| source.verify(&head.headers, body, Timestamp::now()));
    let delivery = verified.inspect_err(|rejection| refuse(&app, source, rejection))?;
    seats::trust(&head.extensions);
    traces::delivery(&source.name, delivery.id().as_str());
    if let Some(place) = delivery.secret() {
        app.sync.metrics().secret_matched(&source.name, place);
    }
    let outcome = sync::accept(&app.sync, delivery).await?;
    traces::outcome(outcome.as_str());
    Ok(Json(Answer { outcome: outcome.as_str(), allowed: None }))
}

/// Answers the provider's question whether the endpoint is ours, if its GET is one.
pub(super) async fn other_method(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let path = path.ok().filter(|_| request.method() == Method::GET);
    let source = path.and_then(|Path(name)| app.sources.get(&name));
    let answer = source.and_then(|source| (source.provider.challenge)(request.headers()));
    answer.map(Json).ok_or_else(|| {
        unrouted::count(&app, request.headers(), &Unrouted::Method);
        Problem::WrongMethod(request.method().clone())
    })
}

fn keyless(app: &App, source: &Source, error: &KeysUnavailable) {
    // Strangers can invent key ids.
    if let Some(LeftOut(left_out)) = app.strangers.rejections.next() {
        let error = crate::error_chain(error);
        tracing::warn!(source = %source.name, error, left_out, "a request cannot be verified; its sender will retry");
    }
}

fn refuse(app: &App, source: &Source, rejection: &Rejection) {
    app.sync.metrics().rejected(&source.name, rejection);
    if let Some(LeftOut(left_out)) = app.strangers.rejections.next() {
        tracing::warn!(source = %source.name, reason = %rejection, left_out, "a request was rejected");
    }
}
