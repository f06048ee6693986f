//! Addresses of endpoints as people paste them.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Takes the slashes too many out of `/webhooks/{source}`. All other paths have to be exact: a proxy that shuts `/admin` or
/// `/metrics` would let their look-alikes through.
pub(super) fn mend(uri: &mut Uri) {
    if let Some(mended) = mended(uri) {
        *uri = mended;
    }
}

fn mended(uri: &Uri) -> Option<Uri> {
    let mut segments = uri.path().split('/').filter(|segment| !segment.is_empty());
    let (Some("webhooks"), Some(source), None) =
        (segments.next(), segments.next(), segments.next())
    else {
        return None;
    };
    let path = match uri.query() {
        Some(query) => format!("/webhooks/{source}?{query}"),
        None => format!("/webhooks/{source}"),
    };
    let mut parts = uri.clone().into_parts();
    if parts.path_and_query.as_ref().is_some_and(|as_sent| *as_sent == *path) {
        return None;
    }
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}
