//! HTTP: the routes, and the one place where errors become answers.

mod admin_token;
pub mod connection;
mod health;
mod problem;
pub mod server;
mod users;
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

use crate::sync::{Sync, Users};
use crate::webhook::Source;

/// What a request may take.
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
    /// Open connections at most; more wait in the listener's backlog.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            body_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(150),
            connections: 1024,
        }
    }
}

/// What the routes work with.
pub struct App {
    pub sources: HashMap<String, Source>,
    pub sync: Sync,
    pub pool: Pool,
    pub users: Users,
    /// What opens `/api`.
    pub admin_token: Option<SecretString>,
    pub limits: Limits,
    /// Cancelled when the service begins to drain.
    pub draining: CancellationToken,
}

pub fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/api/users", post(users::create))
        .route("/api/users/{id}", get(users::show))
        .route("/api/users/{id}/sync", post(users::sync))
        .route_layer(middleware::from_fn_with_state(app.clone(), admin_token::required));
    Router::new()
        .merge(api)
        .route("/webhooks/{source}", post(webhooks::receive))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(CatchPanicLayer::custom(problem::panicked))
        .with_state(app)
}
