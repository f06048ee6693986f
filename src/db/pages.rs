//! What the admin page shows besides the status.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::values::optional_time;
use crate::model::RawJson;

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

/// A user as the mirror shows it and the ledger knows it.
pub struct KnownUser {
    pub mirrored: bool,
    pub name: Option<String>,
    pub email: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// `None` where there is no row, and where its text would be far longer than what is stored.
    pub raw_json: Option<RawJson>,
    pub source: Option<String>,
    pub version_at: Option<Timestamp>,
    pub version_delivery: Option<String>,
    pub tombstone: Option<Timestamp>,
    pub disabled: Option<bool>,
    pub purged_at: Option<Timestamp>,
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

pub async fn user(client: &Client, id: &str) -> Result<Option<KnownUser>, Error> {
    let statement = include_str!("../../sql/status/user.sql");
    let row = client.query_typed_opt(statement, &[(&id, Type::TEXT)]).await?;
    row.map(|row| known(&row)).transpose()
}

fn known(row: &Row) -> Result<KnownUser, Error> {
    Ok(KnownUser {
        mirrored: row.try_get("mirrored")?,
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        created_at: optional_time(row, "created_at")?,
        updated_at: optional_time(row, "updated_at")?,
        deleted_at: optional_time(row, "deleted_at")?,
        raw_json: row.try_get("raw_json")?,
        source: row.try_get("source")?,
        version_at: optional_time(row, "version_at")?,
        version_delivery: row.try_get("version_delivery")?,
        tombstone: optional_time(row, "tombstone")?,
        disabled: row.try_get("disabled")?,
        purged_at: optional_time(row, "purged_at")?,
    })
}
