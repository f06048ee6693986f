//! The tables that the migrations create, and whose content cannot be rebuilt.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient};

use super::objects;

/// Each with its columns.
const TABLES: [(&str, &[&str]); 11] = [
    (
        "users_sync.ledger",
        &[
            "kind",
            "id",
            "source",
            "version_at",
            "version_delivery",
            "deleted_at",
            "disabled",
            "purged_at",
            "first_deleted_at",
            "last_deleted_at",
            "fence",
        ],
    ),
    (
        "users_sync.journal",
        &[
            "source",
            "delivery_id",
            "event_type",
            "kind",
            "entity_id",
            "version_at",
            "received_at",
            "processed_at",
            "processed_in",
            "attempts",
            "outcome",
            "reason",
            "body",
        ],
    ),
    (
        "users_sync.mentions",
        &["source", "delivery_id", "kind", "entity_id", "version_at", "received_at"],
    ),
    ("users_sync.aliases", &["source", "kind", "own_id", "id"]),
    ("users_sync.marks", &["source", "kind", "id", "mark", "due_at", "attempts"]),
    ("users_sync.leases", &["name", "holder", "until"]),
    ("users_sync.logs", &["source", "cursor", "read_at"]),
    (
        "users_sync.runs",
        &[
            "id",
            "kind",
            "source",
            "started_at",
            "updated_at",
            "finished_at",
            "outcome",
            "reason",
            "cursor",
            "seen",
            "missing",
            "stale",
            "restored",
            "gone",
            "unreadable",
            "unannounced",
            "unannounced_since",
            "instance",
            "entity",
        ],
    ),
    ("users_sync.repairs", &["source", "missing", "stale", "restored", "gone"]),
    ("users_sync.requests", &["key", "fingerprint", "user_id", "begun_at", "first_begun_at"]),
    ("users_sync.findings", &["subject", "id", "found_at", "detail"]),
];

/// The missing parts: a table, a column or a primary key.
pub(super) async fn lost(client: &impl GenericClient) -> Result<Vec<String>, Error> {
    let names = TABLES.map(|(name, _)| name);
    let tables = objects::missing(client, &names).await?;
    let there = TABLES.iter().filter(|(name, _)| !tables.contains(name));
    let columns =
        there.flat_map(|(name, columns)| columns.iter().map(move |column| (*name, *column)));
    let (of, columns): (Vec<&str>, Vec<&str>) = columns.unzip();
    let params: [(&(dyn ToSql + Sync), Type); 2] =
        [(&of, Type::TEXT_ARRAY), (&columns, Type::TEXT_ARRAY)];
    let rows = client.query_typed(include_str!("../../sql/schema/lacking.sql"), &params).await?;
    let parts = rows.iter().map(|row| row.get("name"));
    Ok(tables.into_iter().map(str::to_owned).chain(parts).collect())
}
