//! Checks that the mirror tables have the form that we can write to: a table that others made is refused, never
//! altered.

use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};

use super::{ALL, Mirror};
use crate::model::Kind;

/// The difference from the table that we would have created.
#[derive(Debug, thiserror::Error)]
pub enum Difference {
    #[error(
        "{table} exists and is not a table that users-sync can keep: {difference}. Nothing was changed. {remedy}"
    )]
    Shape { table: &'static str, difference: String, remedy: &'static str },
    #[error("the catalog of the database could not be read")]
    Database(#[from] tokio_postgres::Error),
}

/// Name, type, and whether a value is required.
pub(in crate::db) type Expected = (&'static str, &'static str, bool);

const TIME: &str = "timestamp with time zone";

impl Mirror {
    /// Every column of the table, in order.
    pub(in crate::db) fn expected(&self) -> Vec<Expected> {
        let own = self.columns.iter().map(|column| (column.name, column.shape.sql_type(), false));
        let common = [
            ("created_at", TIME, false),
            ("updated_at", TIME, false),
            ("deleted_at", TIME, false),
            ("raw_json", "jsonb", true),
        ];
        std::iter::once(("id", "text", true)).chain(own).chain(common).collect()
    }
}

/// Succeeds if a table is missing: a migration or an object creates it.
pub async fn check(client: &impl GenericClient) -> Result<(), Difference> {
    let columns = columns(client, ALL.iter()).await?;
    for mirror in &ALL {
        let is_its = |column: &&Row| column.get::<_, &str>("mirror") == mirror.name();
        let columns: Vec<_> = columns.iter().filter(is_its).collect();
        if columns.is_empty() {
            continue;
        }
        if let Some(difference) = difference(&columns, &mirror.expected()) {
            let remedy = match mirror.kind {
                Kind::User => "See what `users-sync adopt` would make of it; or rename or drop it",
                _ => "Rename or drop it",
            };
            return Err(Difference::Shape { table: mirror.table, difference, remedy });
        }
    }
    Ok(())
}

/// The columns of these mirrors in the catalog; none of a table that does not exist.
pub(in crate::db) async fn columns(
    client: &impl GenericClient,
    mirrors: impl Iterator<Item = &'static Mirror>,
) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = include_str!("../../../sql/mirror/columns.sql");
    let names: Vec<_> = mirrors.map(Mirror::name).collect();
    client.query_typed(statement, &[(&names, Type::TEXT_ARRAY)]).await
}

fn difference(columns: &[&Row], expected: &[Expected]) -> Option<String> {
    if columns.iter().any(|column| !matches!(column.get("relkind"), "r" | "p")) {
        return Some("it is not a table".into());
    }
    expected
        .iter()
        .find_map(|expected| expected_column(columns, expected))
        .or_else(|| columns.iter().find_map(|column| foreign_column(column, expected)))
        .or_else(|| unusable_key(columns))
}

fn expected_column(columns: &[&Row], &(name, expected, required): &Expected) -> Option<String> {
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

/// An extra column is harmless if a row can be written without it.
fn foreign_column(column: &Row, expected: &[Expected]) -> Option<String> {
    let name: &str = column.get("name");
    let ours = expected.iter().any(|(expected, ..)| *expected == name);
    let required: bool = column.get("required");
    let has_default: bool = column.get("has_default");
    (!ours && required && !has_default)
        .then(|| format!("column {name} is required, but users-sync does not know it"))
}

fn unusable_key(columns: &[&Row]) -> Option<String> {
    let is_key = columns.iter().any(|column| {
        column.get::<_, &str>("name") == "id"
            && column.get("in_key")
            && column.get::<_, i32>("key_length") == 1
    });
    if !is_key {
        return Some("id is not its primary key".into());
    }
    // `on conflict` cannot use a deferrable key.
    let deferrable = columns.iter().any(|column| column.get("key_deferrable"));
    deferrable.then(|| "its primary key is deferrable".into())
}
