//! Errors as answers: RFC 9457 problem JSON with fixed sentences. Nothing of a database, a body or a header gets out.

use std::any::Any;
use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use problem_details::ProblemDetails;
use serde::Serialize;

use crate::signature::Rejection;
use crate::sync::Unavailable;

/// Seconds after which a sender should try again.
const RETRY_AFTER: &str = "5";

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("there is no such route")]
    NoSuchRoute,
    #[error("there is no source {0}")]
    NoSuchSource(String),
    #[error("the route does not take {0}")]
    WrongMethod(Method),
    #[error("the body is longer than {0} bytes")]
    BodyTooLarge(usize),
    #[error("the body did not arrive in time")]
    BodyTooSlow,
    #[error("the body could not be read to its end")]
    BodyBroken,
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("an ADMIN_TOKEN is expected: `Authorization: Bearer …`")]
    Unauthorized,
    #[error("there is no ADMIN_TOKEN in the configuration, so /api and /admin are closed")]
    NoAdminToken,
    #[error("the form was not sent by this page: go back, load it again and try once more")]
    ForeignForm,
    #[error("the query cannot be understood: {0}")]
    BadQuery(String),
    #[error("there is no such delivery in the journal")]
    NoSuchDelivery,
    #[error(
        "the bytes of this delivery were not kept: set JOURNAL_BODIES=all to keep all from now on"
    )]
    BodyNotKept,
    #[error("{0}")]
    BadRequest(&'static str),
    #[error("there is no such user, or it has not come yet")]
    NoSuchUser,
    #[error("{detail}")]
    Unconfirmed { detail: String, wait: Option<Duration> },
    #[error("a request with this Idempotency-Key is under way")]
    UnderWay,
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    #[error("the provider does not take the request; the log says why")]
    ProviderRefuses,
    #[error("the provider could not be asked; the log says why")]
    ProviderFails,
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("a defect of users-sync; its log says where")]
    Defect,
}

#[derive(Serialize)]
struct Extensions {
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<&'static str>,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchRoute | Self::NoSuchSource(_) | Self::NoSuchDelivery => {
                StatusCode::NOT_FOUND
            }
            Self::NoAdminToken | Self::NoSuchUser => StatusCode::NOT_FOUND,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::UnderWay | Self::BodyNotKept | Self::Unconfirmed { .. } => StatusCode::CONFLICT,
            Self::KeyReused | Self::ProviderRefuses => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ProviderFails => StatusCode::BAD_GATEWAY,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyBroken | Self::BadRequest(_) | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::Rejected(Rejection::MissingHeader(_) | Rejection::MalformedHeader { .. }) => {
                StatusCode::BAD_REQUEST
            }
            Self::Rejected(
                Rejection::NoSecretMatches | Rejection::TooOld(_) | Rejection::TooNew(_),
            ) => StatusCode::UNAUTHORIZED,
            Self::Unavailable(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn extensions(&self) -> Extensions {
        match self {
            Self::Rejected(rejection) => Extensions {
                reason: Some(rejection.to_string()),
                header: match rejection {
                    Rejection::MissingHeader(header)
                    | Rejection::MalformedHeader { header, .. } => Some(header),
                    Rejection::NoSecretMatches | Rejection::TooOld(_) | Rejection::TooNew(_) => {
                        None
                    }
                },
            },
            _ => Extensions { reason: None, header: None },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = ProblemDetails::from_status_code(status)
            .with_detail(self.to_string())
            .with_extensions(self.extensions())
            .into_response();
        if matches!(self, Self::Unauthorized) {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if let Self::Unconfirmed { wait: Some(wait), .. } = self {
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
        }
        if matches!(self, Self::BodyTooLarge(_) | Self::BodyTooSlow | Self::BodyBroken) {
            // What is left of the body must not be taken for the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

pub(super) async fn no_such_route() -> Problem {
    Problem::NoSuchRoute
}

pub(super) async fn wrong_method(method: Method) -> Problem {
    Problem::WrongMethod(method)
}

pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::Defect.into_response()
}
