//! Pages that refresh a part of themselves, with the scripts for it. They also work without scripts.

use askama::Template;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::views;

/// The header that htmx sends with every request.
const HX_REQUEST: &str = "hx-request";

/// The whole page, or the part of it that a refresh asks for.
pub(super) fn page(headers: &HeaderMap, whole: &impl Template, part: &impl Template) -> Response {
    if is_refresh(headers) {
        views::page(StatusCode::OK, part)
    } else {
        views::page(StatusCode::OK, whole)
    }
}

pub(super) fn is_refresh(headers: &HeaderMap) -> bool {
    headers.contains_key(HX_REQUEST)
}

/// Lets the browser leave the page, instead of putting the form for signing in into it.
pub(super) fn elsewhere(href: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [("hx-redirect", href)]).into_response()
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(super) async fn htmx() -> impl IntoResponse {
    let script = include_str!("../../../templates/admin/vendored/htmx-2.0.11.min.js");
    // Its address has its version.
    let forever = "private, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, SCRIPT), (header::CACHE_CONTROL, forever)], script)
}

pub(super) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, SCRIPT)], include_str!("../../../templates/admin/live.js"))
}
