//! `/admin`: a page over the API, for people. No script, nothing from another host, nothing inline.

mod chart;
mod now;
mod pages;
mod runs;
mod session;
mod views;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::problem::Problem;
use super::{App, admin_token};
use session::Session;
use views::SignIn;

/// After a wrong token, and one wrong token at a time: a guesser gets one a second, whoever knows it does not wait.
const AFTER_A_WRONG_TOKEN: Duration = Duration::from_secs(1);

const SECURITY: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(now::now))
        .route("/admin/deliveries", get(pages::deliveries))
        .route("/admin/deliveries/{source}/{id}", get(pages::delivery))
        .route("/admin/deliveries/{source}/{id}/replay", post(pages::replay))
        .route("/admin/users", get(pages::user))
        .route("/admin/runs", get(runs::runs))
        .route("/admin/quarantine", get(pages::quarantine))
        .route("/admin/quarantine/replay", post(pages::replay_quarantined))
        .route("/admin/sign-out", post(sign_out))
        .route_layer(middleware::from_fn_with_state(app.clone(), signed_in))
        .route("/admin/sign-in", get(sign_in_form).post(sign_in))
        .route("/admin/style.css", get(style))
        .layer(Extension(Arc::new(Mutex::new(()))))
        .layer(middleware::map_response(guarded))
}

async fn guarded(mut response: Response) -> Response {
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn signed_in(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = app.admin_token.as_ref().ok_or(Problem::NoAdminToken)?;
    match session::of(token, request.headers(), Timestamp::now()) {
        Some(session) => {
            request.extensions_mut().insert(session);
            Ok(next.run(request).await)
        }
        None => Ok(Redirect::to("/admin/sign-in").into_response()),
    }
}

#[derive(Deserialize)]
struct Credentials {
    token: String,
}

async fn sign_in_form() -> Response {
    views::page(StatusCode::OK, &SignIn { refused: false })
}

async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(wrong): Extension<Arc<Mutex<()>>>,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Result<Response, Problem> {
    let token = app.admin_token.as_ref().ok_or(Problem::NoAdminToken)?;
    if !admin_token::is(token, given.token.trim()) {
        let _one_at_a_time = wrong.lock().await;
        tokio::time::sleep(AFTER_A_WRONG_TOKEN).await;
        tracing::warn!("somebody tried to sign in to /admin with a wrong token");
        return Ok(views::page(StatusCode::UNAUTHORIZED, &SignIn { refused: true }));
    }
    let cookie = session::open(token, &headers, Timestamp::now());
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/admin")).into_response())
}

async fn sign_out(
    Extension(session): Extension<Session>,
    Form(form): Form<Csrf>,
) -> Result<Response, Problem> {
    form.check(&session)?;
    let cookie = session::closed();
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/admin/sign-in")).into_response())
}

/// What every form sends along: no other site can know it.
#[derive(Deserialize)]
struct Csrf {
    csrf: String,
}

impl Csrf {
    fn check(&self, session: &Session) -> Result<(), Problem> {
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal;
        equal(self.csrf.as_bytes(), session.csrf.as_bytes()).map_err(|_| Problem::ForeignForm)
    }
}

async fn style() -> impl IntoResponse {
    let css = include_str!("../../templates/admin/style.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css)
}
