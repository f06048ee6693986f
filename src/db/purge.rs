//! Emptying and removing the rows of deleted users.

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient, Transaction};

use super::values::time;

/// A deleted user whose row still stands.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: String,
    pub deleted_at: Timestamp,
}

/// What one statement purged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub users: i64,
    pub emptied: i64,
    pub removed: i64,
    /// Bodies in the journal.
    pub bodies: i64,
    /// Deliveries in quarantine that name one of them.
    pub quarantined: i64,
}

/// What the mirror showed of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub name: bool,
    pub email: bool,
    pub raw_json_bytes: i32,
}

/// The next users that were deleted before `before`.
pub async fn due(
    client: &impl GenericClient,
    before: Timestamp,
    after: Option<&Due>,
    limit: i64,
) -> Result<Vec<Due>, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&before, Type::TIMESTAMPTZ),
        (&limit, Type::INT8),
        (&after.map(|due| due.deleted_at), Type::TIMESTAMPTZ),
        (&after.map(|due| due.id.as_str()), Type::TEXT),
    ];
    let rows = client.query_typed(include_str!("../../sql/purge/due.sql"), &params).await?;
    let due = |row: &tokio_postgres::Row| {
        Ok(Due { id: row.try_get("id")?, deleted_at: time(row, "deleted_at")? })
    };
    rows.iter().map(due).collect()
}

/// Empties the rows of those that are still due, or removes them where `hard`; in the caller's transaction.
pub async fn purge(
    transaction: &Transaction<'_>,
    ids: &[&str],
    before: Timestamp,
    hard: bool,
) -> Result<Purged, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&ids, Type::TEXT_ARRAY), (&before, Type::TIMESTAMPTZ)];
    let statement = include_str!("../../sql/purge/purge.sql");
    let row = transaction.query_typed(statement, &params).await?;
    let row = row.first().expect("the statement answers one row");
    let ids: Vec<&str> = row.try_get("ids")?;
    let rows = if hard {
        include_str!("../../sql/purge/remove.sql")
    } else {
        include_str!("../../sql/purge/empty.sql")
    };
    let rows = transaction.execute_typed(rows, &[(&ids, Type::TEXT_ARRAY)]).await?.cast_signed();
    Ok(Purged {
        users: i64::try_from(ids.len()).unwrap_or(i64::MAX),
        emptied: if hard { 0 } else { rows },
        removed: if hard { rows } else { 0 },
        bodies: row.try_get("bodies")?,
        quarantined: row.try_get("quarantined")?,
    })
}

/// Makes a user count as deleted, whether it is known or not; `None` where the mirror has no row of it.
pub async fn bury(client: &impl GenericClient, id: &str) -> Result<Option<Shown>, Error> {
    let statement = include_str!("../../sql/purge/bury.sql");
    let rows = client.query_typed(statement, &[(&id, Type::TEXT)]).await?;
    let shown = |row: &tokio_postgres::Row| {
        Ok(Shown {
            name: row.try_get("name")?,
            email: row.try_get("email")?,
            raw_json_bytes: row.try_get("raw_json_bytes")?,
        })
    };
    rows.first().map(shown).transpose()
}

/// Removes what late deliveries since then brought of purged users.
pub async fn sweep(client: &impl GenericClient, since: Timestamp) -> Result<u64, Error> {
    let statement = include_str!("../../sql/purge/sweep.sql");
    client.execute_typed(statement, &[(&since, Type::TIMESTAMPTZ)]).await
}
