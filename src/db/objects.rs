//! Functions, views and indexes: made again wherever their file has changed, or somebody dropped them.
//!
//! They are looked for in the catalog: what a migration once made may be gone.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

/// One file of `sql/objects`.
#[derive(Debug)]
pub struct Object {
    pub name: &'static str,
    /// The relations or functions that its text makes.
    parts: &'static [&'static str],
    /// Whether a changed text makes it anew; else only its absence does.
    replaced: bool,
    sql: &'static str,
}

macro_rules! object {
    ($name:literal, $replaced:literal, $parts:expr) => {
        Object {
            name: $name,
            parts: &$parts,
            replaced: $replaced,
            sql: include_str!(concat!("../../sql/objects/", $name, ".sql")),
        }
    };
}

/// The mirror of users: a table, which a migration makes, and which this brings back empty.
pub(super) static MIRROR: Object = object!("users_sync", false, ["neon_auth.users_sync"]);

/// The others, in the order of their dependence.
static OTHERS: [Object; 8] = [
    object!(
        "indexes",
        false,
        [
            "neon_auth.users_sync_deleted_at_idx",
            "users_sync.journal_received_at_idx",
            "users_sync.journal_outcome_idx",
            "users_sync.journal_entity_idx",
            "users_sync.journal_source_idx",
            "users_sync.journal_quarantined_idx",
            "users_sync.ledger_to_purge_idx",
            "users_sync.ledger_purged_idx",
            "users_sync.marks_due_at_idx",
            "users_sync.runs_source_idx",
        ]
    ),
    object!("tombstone", true, ["users_sync.tombstone"]),
    object!("lasting", true, ["users_sync.lasting"]),
    object!("is_printable", true, ["users_sync.is_printable"]),
    object!("write_batch", true, ["users_sync.write_batch"]),
    object!("ensure_user", true, ["users_sync.ensure_user"]),
    object!("disabled_users", true, ["users_sync.disabled_users"]),
    object!("users_active", true, ["neon_auth.users_active"]),
];

/// Every object, in the order of their dependence.
pub fn all() -> impl Iterator<Item = &'static Object> {
    std::iter::once(&MIRROR).chain(&OTHERS)
}

impl Object {
    pub(super) fn is_replaced(&self) -> bool {
        self.replaced
    }

    pub(super) fn parts(&self) -> &'static [&'static str] {
        self.parts
    }

    /// SHA-256 of its text, in hex.
    pub fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }

    /// Makes it; its caller commits.
    pub(super) async fn make(&self, client: &impl GenericClient) -> Result<(), Error> {
        client.batch_execute(self.sql).await?;
        let checksum = self.checksum();
        let params = [(&self.name as _, Type::TEXT), (&checksum as _, Type::TEXT)];
        client.execute_typed(include_str!("../../sql/schema/make.sql"), &params).await?;
        Ok(())
    }
}

/// The objects that have to be made: they are missing, or were made of another text.
pub(super) async fn pending(client: &impl GenericClient) -> Result<Vec<&'static Object>, Error> {
    let made = made(client).await?;
    let parts: Vec<_> = all().flat_map(|object| object.parts).copied().collect();
    let missing = missing(client, &parts).await?;
    let is_pending = |object: &&Object| {
        let changed = object.replaced && made.get(object.name) != Some(&object.checksum());
        changed || object.parts.iter().any(|part| missing.contains(part))
    };
    Ok(all().filter(is_pending).collect())
}

/// Those of these relations and functions, by their qualified names, that the database lacks.
pub(super) async fn missing(
    client: &impl GenericClient,
    names: &[&'static str],
) -> Result<Vec<&'static str>, Error> {
    let statement = include_str!("../../sql/schema/present.sql");
    let rows = client.query_typed(statement, &[(&names, Type::TEXT_ARRAY)]).await?;
    let absent = names.iter().zip(rows).filter(|(_, row)| !row.get::<_, bool>("present"));
    Ok(absent.map(|(name, _)| *name).collect())
}

async fn made(client: &impl GenericClient) -> Result<HashMap<String, String>, Error> {
    if !missing(client, &["users_sync.objects"]).await?.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = client.query_typed(include_str!("../../sql/schema/made.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("checksum"))).collect())
}
