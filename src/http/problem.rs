//! Errors as answers: RFC 9457 problem JSON with fixed sentences. They contain nothing from a database, a body or a header.

use std::any::Any;
use std::time::Duration;

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use problem_details::ProblemDetails;
use serde::Serialize;

use crate::api::KeysUnavailable;
use crate::signature::Rejection;
use crate::sync::Unavailable;

/// Seconds after which a sender should try again.
const RETRY_AFTER: &str = "5";
const CONTENT_TYPE: &str = "application/problem+json";

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
    #[error("too many bodies are being read")]
    NoRoom,
    #[error("the form cannot be understood")]
    BadForm,
    #[error("the head of the request did not arrive in time")]
    HeadTooSlow,
    #[error("the head of the request is too long, or has too many headers")]
    HeadTooLarge,
    #[error("the address is too long")]
    AddressTooLong,
    #[error("the head of the request is not HTTP/1")]
    BadHead,
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("the keys that the provider publishes cannot be fetched now")]
    Keys(#[from] KeysUnavailable),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("an ADMIN_TOKEN is expected: `Authorization: Bearer …`")]
    Unauthorized,
    #[error("too many wrong tokens: the right one is taken at any time")]
    TooManyWrongTokens(u64),
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
    #[error("there is no such organization, or it has not come yet")]
    NoSuchOrganization,
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
            Self::NoAdminToken | Self::NoSuchUser | Self::NoSuchOrganization => {
                StatusCode::NOT_FOUND
            }
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ForeignForm => StatusCode::FORBIDDEN,
            Self::UnderWay | Self::BodyNotKept | Self::Unconfirmed { .. } => StatusCode::CONFLICT,
            Self::KeyReused | Self::ProviderRefuses | Self::BadForm => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::ProviderFails => StatusCode::BAD_GATEWAY,
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow | Self::HeadTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::AddressTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyWrongTokens(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyBroken | Self::BadHead => StatusCode::BAD_REQUEST,
            Self::BadRequest(_) | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::Rejected(rejection) if rejection.is_malformed() => StatusCode::BAD_REQUEST,
            Self::Rejected(_) => StatusCode::UNAUTHORIZED,
            Self::Unavailable(_) | Self::Keys(_) | Self::NotReady(_) | Self::NoRoom => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Defect => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn extensions(&self) -> Extensions {
        match self {
            Self::Rejected(rejection) => {
                Extensions { reason: Some(rejection.to_string()), header: rejection.header() }
            }
            _ => Extensions { reason: None, header: None },
        }
    }

    fn details(&self) -> ProblemDetails<Extensions> {
        ProblemDetails::from_status_code(self.status())
            .with_detail(self.to_string())
            .with_extensions(self.extensions())
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        match self {
            Self::TooManyWrongTokens(seconds) => Some(HeaderValue::from(*seconds)),
            Self::Unconfirmed { wait: Some(wait), .. } => Some((wait.as_secs() + 1).into()),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => {
                Some(HeaderValue::from_static(RETRY_AFTER))
            }
            _ => None,
        }
    }

    /// The whole answer, the last of its connection, for a request whose head cannot be read.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let status = self.status();
        let body = serde_json::to_string(&self.details()).expect("its fields are texts");
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.details().into_response();
        let headers = response.headers_mut();
        if matches!(self, Self::Unauthorized) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(when) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, when);
        }
        response
    }
}

/// axum refuses a path or a query in plain text.
pub(super) async fn with_words(response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if is_plain && response.status() == StatusCode::BAD_REQUEST {
        return Problem::BadRequest("the path or the query cannot be understood").into_response();
    }
    response
}

pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request panicked");
    Problem::Defect.into_response()
}
