//! Whether the process lives, and whether it should get traffic.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

use super::App;
use super::problem::Problem;
use crate::db::{migrations, writable};

/// A probe should learn that the database hangs, not hang with it.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// 503 wherever the next delivery would be answered 503, so that a balancer sends it elsewhere.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    if app.draining.is_cancelled() {
        return Err(not_ready("draining"));
    }
    let obstacle = app.strangers.readiness.at(|| async { Some(obstacle(&app).await) });
    match tokio::time::timeout(TIMEOUT, obstacle).await.ok().flatten().as_deref() {
        Some(None) => Ok(Json(json!({ "status": "ready" }))),
        Some(Some(obstacle)) => Err(not_ready(obstacle)),
        None => Err(not_ready("database does not answer")),
    }
}

/// The obstacle to writing the next delivery; `None` if there is none.
async fn obstacle(app: &App) -> Option<String> {
    let Ok(mut client) = app.pool.get().await else { return Some("database unreachable".into()) };
    let schema = match migrations::serves(&**client).await {
        Ok(true) => None,
        Ok(false) => return Some("migrations pending".into()),
        // Without a right the schema looks broken or is unreadable; the check of the rights below names it.
        Err(migrations::Error::Database(error)) if lacks_a_right(&error) => None,
        Err(migrations::Error::Database(_)) => return Some("database unreachable".into()),
        Err(_) => Some("schema not as expected".to_owned()),
    };
    match writable::obstacle(&**client).await {
        Ok(obstacle) => {
            if let Some(obstacle) = obstacle.or(schema) {
                return Some(obstacle);
            }
        }
        Err(_) => return Some("database unreachable".into()),
    }
    // The last batch failed, and none may come while this says so: a write of its own shows whether the next one would.
    let fails = app.sync.is_failing() && writable::try_out(&mut client).await.is_err();
    fails.then(|| "the database does not commit".into())
}

fn lacks_a_right(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)
}

fn not_ready(why: impl Into<String>) -> Problem {
    Problem::NotReady(why.into())
}
