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
    tokio::time::timeout(TIMEOUT, database(&app))
        .await
        .unwrap_or_else(|_| Err(not_ready("database does not answer")))?;
    Ok(Json(json!({ "status": "ready" })))
}

async fn database(app: &App) -> Result<(), Problem> {
    let unreachable = |_| not_ready("database unreachable");
    let client = app.pool.get().await.map_err(|_| not_ready("database unreachable"))?;
    match migrations::pending(&**client).await {
        Ok(pending) if pending.is_empty() => {}
        Ok(_) => return Err(not_ready("migrations pending")),
        Err(migrations::Error::Database(error)) => return Err(unreachable(error)),
        Err(_) => return Err(not_ready("schema not as expected")),
    }
    if let Some(obstacle) = writable::obstacle(&**client).await.map_err(unreachable)? {
        return Err(not_ready(obstacle));
    }
    // The last batch failed, and none may come while this says so: a write of its own shows whether the next one would.
    if app.sync.is_failing() {
        let failed = |_| not_ready("the database does not commit");
        writable::try_out(&client).await.map_err(failed)?;
    }
    Ok(())
}

fn not_ready(why: impl Into<String>) -> Problem {
    Problem::NotReady(why.into())
}
