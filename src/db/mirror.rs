//! Whether the mirror tables are the ones that we can keep: a table of somebody else's making is refused, never altered.

use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};

use super::findings;
use crate::model::Subject;

const MIRROR: &str = "neon_auth.users_sync";

/// What differs from the table that we would have made.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    #[error(
        "neon_auth.users_sync exists and is not a table that users-sync can keep: {0}. Nothing was changed. See what `users-sync adopt` would make of it; or rename or drop it"
    )]
    Shape(String),
    #[error("the catalog of the database could not be read")]
    Database(#[from] tokio_postgres::Error),
}

/// Name, type, and whether a value is required.
pub(super) const USERS: [(&str, &str, bool); 7] = [
    ("id", "text", true),
    ("name", "text", false),
    ("email", "text", false),
    ("created_at", "timestamp with time zone", false),
    ("updated_at", "timestamp with time zone", false),
    ("deleted_at", "timestamp with time zone", false),
    ("raw_json", "jsonb", true),
];

/// Passes where the table is missing: a migration makes it.
pub async fn check(client: &impl GenericClient) -> Result<(), Difference> {
    let columns = columns(client).await?;
    if columns.is_empty() {
        return Ok(());
    }
    match difference(&columns) {
        Some(difference) => Err(Difference::Shape(difference)),
        None => Ok(()),
    }
}

/// As the catalog has them; none where there is no mirror.
pub(super) async fn columns(
    client: &impl GenericClient,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = include_str!("../../sql/schema/mirror.sql");
    client.query_typed(statement, &[(&"users_sync", Type::TEXT)]).await
}

/// Fills a mirror that was made again with what the ledger knows: tombstones at once, the living by the provider's API or a
/// replay, and a finding until they are back. Its caller commits.
pub(super) async fn restore(client: &impl GenericClient) -> Result<(), tokio_postgres::Error> {
    client.execute_typed(include_str!("../../sql/schema/bury_again.sql"), &[]).await?;
    client.execute_typed(include_str!("../../sql/schema/mark_lost.sql"), &[]).await?;
    report_lost(client).await
}

/// Sets the finding that the mirror lacks users which the ledger knows, or clears it where it lacks none.
pub async fn report_lost(client: &impl GenericClient) -> Result<(), tokio_postgres::Error> {
    let lost = lost(client).await?;
    if lost == 0 {
        return findings::clear(client, Subject::Mirror, MIRROR).await;
    }
    findings::set(client, Subject::Mirror, MIRROR, &lost_in_words(lost)).await
}

/// How many living users the ledger knows and the mirror lacks.
pub async fn lost(client: &impl GenericClient) -> Result<i64, tokio_postgres::Error> {
    let rows = client.query_typed(include_str!("../../sql/schema/lost.sql"), &[]).await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}

/// How many rows the ledger does not know, and which are no stubs: nobody owns them, and nobody says who is disabled.
pub async fn unknown(client: &impl GenericClient) -> Result<i64, tokio_postgres::Error> {
    let rows = client.query_typed(include_str!("../../sql/schema/unknown.sql"), &[]).await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}

/// The problem and the remedy, for an operator.
pub fn lost_in_words(lost: i64) -> String {
    format!(
        "{lost} users that users-sync knows have no row: somebody dropped or emptied the table. `users-sync backfill` brings them back from the provider, `users-sync replay --all` from the bodies that the journal keeps"
    )
}

/// Tells a new ledger which rows of an older mirror are tombstones. Its caller commits.
pub(super) async fn remember_deleted(
    client: &impl GenericClient,
) -> Result<(), tokio_postgres::Error> {
    client.execute_typed(include_str!("../../sql/schema/remember_deleted.sql"), &[]).await?;
    Ok(())
}

fn difference(columns: &[Row]) -> Option<String> {
    if columns.iter().any(|column| !matches!(column.get("relkind"), "r" | "p")) {
        return Some("it is not a table".into());
    }
    USERS
        .iter()
        .find_map(|expected| expected_column(columns, expected))
        .or_else(|| columns.iter().find_map(foreign_column))
        .or_else(|| unusable_key(columns))
}

fn expected_column(
    columns: &[Row],
    &(name, expected, required): &(&str, &str, bool),
) -> Option<String> {
    let Some(column) = columns.iter().find(|column| column.get::<_, &str>("name") == name) else {
        return Some(format!("column {name} is missing"));
    };
    if column.get("generated") {
        return Some(format!("column {name} is generated, as Neon Auth makes it"));
    }
    let actual: &str = column.get("type");
    if actual != expected {
        return Some(format!("column {name} is of type {actual}, not {expected}"));
    }
    let refuses_null = column.get("required");
    (refuses_null && !required)
        .then(|| format!("column {name} is not null, but it must allow null"))
}

/// A column more does no harm while a row can be written without it.
fn foreign_column(column: &Row) -> Option<String> {
    let name: &str = column.get("name");
    let ours = USERS.iter().any(|(expected, ..)| *expected == name);
    let required: bool = column.get("required");
    let has_default: bool = column.get("has_default");
    (!ours && required && !has_default)
        .then(|| format!("column {name} is required, but users-sync does not know it"))
}

fn unusable_key(columns: &[Row]) -> Option<String> {
    let is_key = columns.iter().any(|column| {
        column.get::<_, &str>("name") == "id"
            && column.get("in_key")
            && column.get::<_, i32>("key_length") == 1
    });
    if !is_key {
        return Some("id is not its primary key".into());
    }
    // `on conflict` cannot lean on it.
    let deferrable = columns.iter().any(|column| column.get("key_deferrable"));
    deferrable.then(|| "its primary key is deferrable".into())
}
