//! The layer that lets only requests with the `ADMIN_TOKEN` reach `/api`.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};

use super::problem::Problem;
use super::{App, seats};

pub(super) async fn required(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = app.admin_token.as_ref().ok_or(Problem::NoAdminToken)?;
    let given = bearer(request.headers()).ok_or(Problem::Unauthorized)?;
    if !is(token, given) {
        app.strangers.wrong_tokens.count("/api")?;
        return Err(Problem::Unauthorized);
    }
    seats::trust(request.extensions());
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Digests are compared, so that the time reveals neither a character nor the length.
pub(super) fn is(token: &SecretString, given: &str) -> bool {
    let digest = |text: &str| digest(&SHA256, text.as_bytes());
    let (token, given) = (digest(token.expose_secret()), digest(given));
    verify_slices_are_equal(token.as_ref(), given.as_ref()).is_ok()
}
