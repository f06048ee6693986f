//! Whether the process lives, and whether it should get traffic.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

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
    // Anybody may ask, and a crowd must not take the connections from the deliveries.
    let look = app.strangers.readiness.at(async || Some(database(&app).await));
    match tokio::time::timeout(TIMEOUT, look).await.ok().flatten().as_deref() {
        Some(Ok(())) => Ok(Json(json!({ "status": "ready" }))),
        Some(Err(why)) => Err(not_ready(why.clone())),
        None => Err(not_ready("database does not answer")),
    }
}

/// Why the next delivery could not be written.
async fn database(app: &App) -> Result<(), String> {
    let unreachable = |_| "database unreachable".to_owned();
    let client = app.pool.get().await.map_err(|_| "database unreachable")?;
    match migrations::pending(&**client).await {
        Ok(pending) if pending.is_empty() => {}
        Ok(_) => return Err("migrations pending".into()),
        Err(migrations::Error::Database(error)) => return Err(unreachable(error)),
        Err(_) => return Err("schema not as expected".into()),
    }
    if let Some(obstacle) = writable::obstacle(&**client).await.map_err(unreachable)? {
        return Err(obstacle);
    }
    // The last batch failed, and none may come while this says so: a write of its own shows whether the next one would.
    if app.sync.is_failing() {
        writable::try_out(&client).await.map_err(|_| "the database does not commit")?;
    }
    Ok(())
}

fn not_ready(why: impl Into<String>) -> Problem {
    Problem::NotReady(why.into())
}
