//! Whether the process lives, and whether it should get traffic.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use crate::db::migrations;

/// A probe should learn that the database hangs, not hang with it.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

pub(super) async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Value>, Problem> {
    if app.draining.is_cancelled() {
        return Err(Problem::NotReady("draining"));
    }
    let database = async {
        let client = app.pool.get().await.map_err(|_| Problem::NotReady("database unreachable"))?;
        match migrations::pending(&**client).await {
            Ok(pending) if pending.is_empty() => Ok(()),
            Ok(_) => Err(Problem::NotReady("migrations pending")),
            Err(migrations::Error::Database(_)) => Err(Problem::NotReady("database unreachable")),
            Err(_) => Err(Problem::NotReady("schema not as expected")),
        }
    };
    tokio::time::timeout(TIMEOUT, database)
        .await
        .unwrap_or(Err(Problem::NotReady("database does not answer")))?;
    Ok(Json(json!({ "status": "ready" })))
}
