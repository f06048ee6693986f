//! What the admin page shows besides the status.

use tokio_postgres::{Client, Error, Row};

/// Deliveries of one minute with one outcome.
pub struct Minute {
    pub minutes_ago: i32,
    pub outcome: String,
    pub deliveries: i64,
}

/// Seconds from event to commit; `None` where nothing was applied lately.
pub struct Lag {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

pub async fn minutes(client: &Client) -> Result<Vec<Minute>, Error> {
    let rows = client.query_typed(include_str!("../../sql/status/minutes.sql"), &[]).await?;
    let minute = |row: &Row| {
        Ok(Minute {
            minutes_ago: row.try_get("minutes_ago")?,
            outcome: row.try_get("outcome")?,
            deliveries: row.try_get("deliveries")?,
        })
    };
    rows.iter().map(minute).collect()
}

pub async fn lag(client: &Client) -> Result<Lag, Error> {
    let row = client.query_typed_one(include_str!("../../sql/status/lag.sql"), &[]).await?;
    Ok(Lag { p50: row.try_get("p50")?, p99: row.try_get("p99")? })
}
