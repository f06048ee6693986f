//! `/admin`: a page over the API, for people. It needs no script, and has nothing from another host and nothing inline.

mod causes;
mod chart;
mod deliveries;
mod entity;
mod links;
mod live;
mod members;
mod now;
mod quarantine;
mod runs;
mod session;
mod times;
mod user;
mod views;

use std::sync::Arc;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use jiff::Timestamp;
use serde::Deserialize;

use super::body::Form;
use super::problem::Problem;
use super::{App, admin_token, seats};
use session::Session;
use views::SignIn;

const SIGN_IN: &str = "/admin/sign-in";

/// Rows of a page.
const PAGE: i64 = 50;

const SECURITY: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/admin", get(now::now))
        .route("/admin/deliveries", get(deliveries::list))
        .route("/admin/deliveries/{source}/{id}", get(deliveries::one))
        .route("/admin/deliveries/{source}/{id}/replay", post(deliveries::replay))
        .route("/admin/find", get(entity::find))
        .route("/admin/entities", get(entity::show))
        .route("/admin/users", get(user::show))
        .route("/admin/users/sync", post(user::sync))
        .route("/admin/runs", get(runs::runs))
        .route("/admin/quarantine", get(quarantine::show))
        .route("/admin/quarantine/replay", post(quarantine::replay))
        .route("/admin/sign-out", post(sign_out))
        .route_layer(middleware::from_fn_with_state(app.clone(), signed_in))
        .route(SIGN_IN, get(sign_in_form).post(sign_in))
        .route("/admin/style.css", get(style))
        .route("/admin/live.js", get(live::script))
        .route("/admin/htmx-2.0.11.min.js", get(live::htmx))
        .layer(middleware::map_response(guarded))
}

async fn guarded(mut response: Response) -> Response {
    for (name, value) in SECURITY {
        // Only what holds nothing of anybody says itself how long it may be kept.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
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
            seats::trust(request.extensions());
            request.extensions_mut().insert(session);
            Ok(next.run(request).await)
        }
        None if live::is_refresh(request.headers()) => Ok(live::elsewhere(SIGN_IN)),
        None => Ok(Redirect::to(SIGN_IN).into_response()),
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
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let token = app.admin_token.as_ref().ok_or(Problem::NoAdminToken)?;
    let Form(given) = Form::<Credentials>::from_request(request, &app).await?;
    if !admin_token::is(token, given.token.trim()) {
        app.strangers.wrong_tokens.count("/admin")?;
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
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(SIGN_IN)).into_response())
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
