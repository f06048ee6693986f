//! HTTP: the routes, and the only place that turns errors into answers.

mod admin;
mod admin_token;
pub mod answer;
mod body;
mod connection;
mod deliveries;
mod health;
mod metrics;
mod organizations;
mod paths;
mod problem;
mod progress;
mod seats;
pub mod server;
mod sources;
mod status;
pub mod strangers;
mod unrouted;
mod users;
mod watched;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::routing::{get, post};
use axum::{Router, middleware};
use deadpool_postgres::Pool;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::sync::{Sync, Unavailable, Users};
use crate::webhook::Source;
use problem::Problem;
use strangers::Strangers;

/// The limits of requests and connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a body at most.
    pub body: usize,
    /// For the whole body to arrive.
    pub body_timeout: Duration,
    /// For the whole head to arrive, from its first byte or from the start of the connection.
    pub head_timeout: Duration,
    /// Between two requests of one connection. Longer than a reverse proxy keeps an idle connection, so that it is the proxy
    /// that closes it, never we under a request of its.
    pub idle_timeout: Duration,
    /// For an answer to be taken, from when the client first keeps us waiting.
    pub write_timeout: Duration,
    /// Open connections at most; for one more, that which has waited longest for its client is closed.
    pub connections: usize,
    /// For so long a connection may wait for its client before it has to make room for another one.
    pub patience: Duration,
    /// Bytes of all long bodies that are being read, at most.
    pub bodies: usize,
    /// While the service drains: for a connection to begin a request, and for the listener.
    pub farewell: Duration,
    /// During the drain, the time for a client to finish its request or to read its answer.
    pub hurry: Duration,
    /// For the whole drain.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            body_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(150),
            write_timeout: Duration::from_secs(10),
            connections: 1024,
            patience: Duration::from_secs(1),
            bodies: 32 << 20,
            farewell: Duration::from_millis(500),
            hurry: Duration::from_secs(3),
            drain: Duration::from_secs(10),
        }
    }
}

/// The shared state of the routes.
pub struct App {
    pub sources: HashMap<String, Source>,
    pub sync: Arc<Sync>,
    pub pool: Pool,
    pub users: Users,
    /// The token for `/api`.
    pub admin_token: Option<SecretString>,
    pub limits: Limits,
    pub strangers: Strangers,
    /// Cancelled when the service begins to drain.
    pub draining: CancellationToken,
}

pub fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/api/status", get(status::status))
        .route("/api/deliveries", get(deliveries::list))
        .route("/api/deliveries/{source}/{id}", get(deliveries::show))
        .route("/api/deliveries/{source}/{id}/replay", post(deliveries::replay))
        .route("/api/organizations/{id}", get(organizations::show))
        .route("/api/organizations/{id}/members", get(organizations::members))
        .route("/api/users", post(users::create))
        .route("/api/users/{id}", get(users::show))
        .route("/api/users/{id}/memberships", get(organizations::memberships))
        .route("/api/users/{id}/sync", post(users::sync))
        .route_layer(middleware::from_fn_with_state(app.clone(), admin_token::required));
    // A layer costs each request, and no path of a delivery needs this one.
    let for_people = Router::new().merge(api).merge(admin::router(&app));
    let for_people = for_people.layer(middleware::map_response(problem::with_words));
    Router::new()
        .merge(for_people)
        .route("/webhooks/{source}", post(webhooks::receive).fallback(webhooks::other_method))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .fallback(unrouted::no_such_route)
        .method_not_allowed_fallback(unrouted::wrong_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .with_state(app)
}

async fn connection_of(app: &App) -> Result<deadpool_postgres::Object, Problem> {
    app.pool.get().await.map_err(failed)
}

/// The database's own words are for the log alone.
fn failed(error: impl std::error::Error + 'static) -> Problem {
    let error = crate::error_chain(&error);
    tracing::error!(error, "the database did not answer a request of /api");
    Problem::Unavailable(Unavailable::Database)
}
