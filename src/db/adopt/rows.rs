//! The rows of the table, on their way into the ledger.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Transaction};

use crate::db::mirror;
use crate::db::values::optional_time;
use crate::model::{Kind, Record};

/// A row as another program made it.
pub struct Found {
    pub id: String,
    pub deleted_at: Option<Timestamp>,
    /// `None` where it has no text.
    pub raw_json: Option<String>,
}

/// The next rows in the order of their ids.
pub async fn page(
    transaction: &Transaction<'_>,
    after: &str,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&after, Type::TEXT), (&limit, Type::INT8)];
    let statement = include_str!("../../../sql/adopt/page.sql");
    let rows = transaction.query_typed(statement, &params).await?;
    let found = |row: &tokio_postgres::Row| {
        Ok(Found {
            id: row.try_get("id")?,
            deleted_at: optional_time(row, "deleted_at")?,
            raw_json: row.try_get("raw_json")?,
        })
    };
    rows.iter().map(found).collect()
}

/// Makes the ledger know these rows, and whether their users are disabled; answers the ids that are new to it.
pub async fn enter(
    transaction: &Transaction<'_>,
    source: &str,
    rows: &[(&Found, bool)],
) -> Result<HashSet<String>, Error> {
    let ids: Vec<&str> = rows.iter().map(|(row, _)| row.id.as_str()).collect();
    let disableds: Vec<bool> = rows.iter().map(|(_, disabled)| *disabled).collect();
    let deleted_ats: Vec<Option<Timestamp>> = rows.iter().map(|(row, _)| row.deleted_at).collect();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&source, Type::TEXT),
        (&ids, Type::TEXT_ARRAY),
        (&disableds, Type::BOOL_ARRAY),
        (&deleted_ats, Type::TIMESTAMPTZ_ARRAY),
    ];
    let users = mirror::of(Kind::User);
    let statement = users.statement(include_str!("../../../sql/adopt/enter.sql"));
    let rows = transaction.query_typed(&statement, &params).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// Fills the columns of these users that are empty, and answers of how many there were some.
pub async fn fill(transaction: &Transaction<'_>, users: &[&Record]) -> Result<u64, Error> {
    let ids: Vec<&str> = users.iter().map(|user| user.id()).collect();
    let names: Vec<Option<&str>> = users.iter().map(|user| user.user()?.name.as_deref()).collect();
    let emails: Vec<Option<&str>> =
        users.iter().map(|user| user.user()?.email.as_deref()).collect();
    let created_ats: Vec<Option<Timestamp>> = users.iter().map(|user| user.created_at).collect();
    let updated_ats: Vec<Option<Timestamp>> = users.iter().map(|user| user.updated_at).collect();
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&ids, Type::TEXT_ARRAY),
        (&names, Type::TEXT_ARRAY),
        (&emails, Type::TEXT_ARRAY),
        (&created_ats, Type::TIMESTAMPTZ_ARRAY),
        (&updated_ats, Type::TIMESTAMPTZ_ARRAY),
    ];
    transaction.execute_typed(include_str!("../../../sql/adopt/fill.sql"), &params).await
}
