//! The faults of a request.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::refusal;

/// What happens to a request instead of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    TooManyRequests {
        retry_after: u64,
    },
    /// A 503 with a Retry-After in the form of an HTTP date; and the date of the answer, if it is not that of the
    /// test.
    OutOfOrder {
        retry_after: String,
        date: Option<String>,
    },
    ServerError,
    /// The answer breaks off in the middle.
    Truncated,
    /// The answer is incomplete JSON, although its HTTP length is correct.
    HalfAnswer,
    /// A page of some proxy, with this status.
    Html(u16),
    /// An error of the vendor's, with this status and code.
    Refused(u16, &'static str),
}

impl Fault {
    pub(super) fn answer(self, provider: &str) -> Response {
        match self {
            Self::TooManyRequests { retry_after } => {
                let wait = [(header::RETRY_AFTER, retry_after.to_string())];
                (StatusCode::TOO_MANY_REQUESTS, wait).into_response()
            }
            Self::OutOfOrder { retry_after, date } => {
                let wait = [(header::RETRY_AFTER, retry_after)];
                let mut response = (StatusCode::SERVICE_UNAVAILABLE, wait).into_response();
                if let Some(date) = date {
                    response.headers_mut().insert(header::DATE, date.parse().expect("a header"));
                }
                response
            }
            Self::ServerError => StatusCode::BAD_GATEWAY.into_response(),
            Self::Truncated => {
                let length = [(header::CONTENT_LENGTH, "5000")];
                (length, futures_like_stream("[{\"id\": \"user_")).into_response()
            }
            Self::HalfAnswer => "[{\"id\": \"user_".into_response(),
            Self::Html(status) => {
                let status = StatusCode::from_u16(status).expect("a status");
                (status, "<html>not here</html>").into_response()
            }
            Self::Refused(status, code) => refusal(provider, status, code),
        }
    }
}

/// A body that ends with an error.
fn futures_like_stream(text: &'static str) -> Body {
    Body::new(http_body_util::Full::new(bytes::Bytes::from_static(text.as_bytes())))
}
