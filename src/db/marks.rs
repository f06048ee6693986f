//! Marks: users whose truth is to be fetched from their provider.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

#[derive(Debug)]
pub struct Mark {
    /// Empty where nobody knows whose user it is.
    pub source: String,
    pub id: String,
    pub mark: i64,
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
        })
    };
    rows.iter().map(mark).collect()
}

/// Called after the commit of what was fetched.
pub async fn done(client: &Client, Mark { source, id, mark }: &Mark) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(source, Type::TEXT), (id, Type::TEXT), (mark, Type::INT8)];
    client.execute_typed(include_str!("../../sql/marks/done.sql"), &params).await?;
    Ok(())
}
