//! Marks: users whose truth is to be fetched from their provider.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::values::optional_time;

#[derive(Debug)]
pub struct Mark {
    /// Empty where nobody knows whose user it is.
    pub source: String,
    pub id: String,
    pub mark: i64,
    /// How often it was taken, this time included.
    pub attempts: i32,
    /// The version that the row shows.
    pub version_at: Option<Timestamp>,
}

/// Takes marks that are due; they are due again after `seconds`, and later with every attempt, unless they are done.
pub async fn take(
    client: &Client,
    limit: i64,
    seconds: f64,
    sources: &[&str],
) -> Result<Vec<Mark>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&limit, Type::INT8), (&seconds, Type::FLOAT8), (&sources, Type::TEXT_ARRAY)];
    let rows = client.query_typed(include_str!("../../sql/marks/take.sql"), &params).await?;
    let mark = |row: &tokio_postgres::Row| {
        Ok(Mark {
            source: row.try_get("source")?,
            id: row.try_get("id")?,
            mark: row.try_get("mark")?,
            attempts: row.try_get("attempts")?,
            version_at: optional_time(row, "version_at")?,
        })
    };
    rows.iter().map(mark).collect()
}

/// Called after the commit of what was fetched.
pub async fn done(client: &Client, Mark { source, id, mark, .. }: &Mark) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(source, Type::TEXT), (id, Type::TEXT), (mark, Type::INT8)];
    client.execute_typed(include_str!("../../sql/marks/done.sql"), &params).await?;
    Ok(())
}

/// Called where what was fetched is not the last word; the mark is due again after `seconds`.
pub async fn again(
    client: &Client,
    Mark { source, id, mark, .. }: &Mark,
    seconds: f64,
) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] =
        [(source, Type::TEXT), (id, Type::TEXT), (mark, Type::INT8), (&seconds, Type::FLOAT8)];
    client.execute_typed(include_str!("../../sql/marks/again.sql"), &params).await?;
    Ok(())
}
