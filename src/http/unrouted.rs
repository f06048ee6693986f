//! Requests that look like deliveries and reach no endpoint: the address at the provider is wrong, or a proxy changes it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method};

use super::App;
use super::problem::Problem;
use super::strangers::LeftOut;
use crate::provider;

/// Why a request matches no route.
pub(super) enum Unrouted<'a> {
    /// The name of the source; `None` if it is not text.
    Source(Option<&'a str>),
    Route,
    Method,
}

impl Unrouted<'_> {
    fn code(&self) -> &'static str {
        match self {
            Self::Source(_) => "no_source",
            Self::Route => "no_route",
            Self::Method => "wrong_method",
        }
    }

    /// The source's name, if it is fit for a log line.
    fn name(&self) -> Option<&str> {
        let Self::Source(name) = self else { return None };
        name.filter(|name| name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_graphic()))
    }
}

pub(super) async fn no_such_route(State(app): State<Arc<App>>, headers: HeaderMap) -> Problem {
    count(&app, &headers, &Unrouted::Route);
    Problem::NoSuchRoute
}

pub(super) async fn wrong_method(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
) -> Problem {
    count(&app, &headers, &Unrouted::Method);
    Problem::WrongMethod(method)
}

/// Counts and logs it, if it looks signed.
pub(super) fn count(app: &App, headers: &HeaderMap, missing: &Unrouted<'_>) {
    if !provider::is_claimed(headers) {
        return;
    }
    app.sync.metrics().unrouted(missing.code());
    if let Some(LeftOut(left_out)) = app.strangers.unrouted.next() {
        tracing::warn!(
            reason = missing.code(),
            source = missing.name(),
            left_out,
            "a signed request reaches no endpoint: is its address at the provider /webhooks/ and the name of a source?"
        );
    }
}
