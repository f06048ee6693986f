//! How things stand.

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::mirror::{self, Mirror};
use super::values::{known, optional_time, time};
use crate::model::Kind;

/// Rows that are counted one by one; beyond, an estimate will do.
const COUNTED: i64 = 100_000;

/// After so long without a delivery an endpoint may have been switched off.
pub const SILENCE: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Rows of one mirror.
#[derive(Debug, Serialize)]
pub struct Counts {
    pub total: i64,
    /// Else an estimate of the database's statistics.
    pub exact: bool,
    pub deleted: i64,
    /// Else there are more.
    pub deleted_exact: bool,
}

#[derive(Debug, Serialize)]
pub struct Users {
    #[serde(flatten)]
    pub counts: Counts,
    /// Rows that `users_sync.ensure_user` made, and of whose users nothing is known yet.
    pub stubs: i64,
}

/// Why deliveries are in quarantine.
#[derive(Debug, Serialize)]
pub struct Reason {
    pub source: String,
    pub reason: String,
    pub deliveries: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

pub async fn users(client: &Client) -> Result<Users, Error> {
    let users = mirror::of(Kind::User);
    let stubs = users.statement(include_str!("../../sql/status/stubs.sql"));
    let counted = [(&COUNTED as &(dyn ToSql + Sync), Type::INT8)];
    let (counts, stubs) =
        tokio::try_join!(counts(client, users), client.query_typed_one(&stubs, &counted))?;
    Ok(Users { counts, stubs: stubs.try_get("stubs")? })
}

/// Of every kind but the users, in the order of [`Kind::ALL`].
pub async fn others(client: &Client) -> Result<Vec<(Kind, Counts)>, Error> {
    let others = mirror::ALL.iter().filter(|mirror| mirror.kind != Kind::User);
    let counted = others.map(async |mirror| Ok((mirror.kind, counts(client, mirror).await?)));
    try_join_all(counted).await
}

async fn counts(client: &Client, mirror: &Mirror) -> Result<Counts, Error> {
    let statement = mirror.statement(include_str!("../../sql/status/counts.sql"));
    let row = client.query_typed_one(&statement, &[(&COUNTED, Type::INT8)]).await?;
    Ok(Counts {
        total: row.try_get("total")?,
        exact: row.try_get("exact")?,
        deleted: row.try_get("deleted")?,
        deleted_exact: row.try_get("deleted_exact")?,
    })
}

/// Of each source in the order given; `None` where the journal remembers none.
pub async fn last_deliveries(
    client: &Client,
    sources: &[&str],
) -> Result<Vec<Option<Timestamp>>, Error> {
    let statement = include_str!("../../sql/status/last_deliveries.sql");
    let rows = client.query_typed(statement, &[(&sources, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| optional_time(row, "last")).collect()
}

/// Of what was received from `since` and before `until`.
pub async fn quarantine(
    client: &Client,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<Reason>, Error> {
    let statement = include_str!("../../sql/status/quarantine.sql");
    let (since, until) = (since.map(known), until.map(known));
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&since, Type::TIMESTAMPTZ), (&until, Type::TIMESTAMPTZ)];
    let rows = client.query_typed(statement, &params).await?;
    let reason = |row: &Row| {
        Ok(Reason {
            source: row.try_get("source")?,
            reason: row.try_get("reason")?,
            deliveries: row.try_get("deliveries")?,
            first_at: time(row, "first_at")?,
            last_at: time(row, "last_at")?,
        })
    };
    rows.iter().map(reason).collect()
}
