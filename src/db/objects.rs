//! Functions, views and indexes: created again if their file changed or if they are missing.
//!
//! The catalog decides whether one is missing, because an object that a migration created may have been dropped.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use tokio_postgres::types::Type;
use tokio_postgres::{Error, GenericClient};

use super::mirror::{self, Mirror, render};
use crate::model::Kind;

/// One file of `sql/objects`, or a text rendered from `sql/mirror`.
#[derive(Debug)]
pub struct Object {
    pub name: &'static str,
    /// The relations, types or functions that its text creates.
    parts: Vec<String>,
    making: Making,
    sql: Cow<'static, str>,
}

/// When an object is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Making {
    /// If it is missing, or its text has changed.
    Replaced,
    /// If it is missing.
    Once,
    /// If it is missing from a database in which the migrations created it.
    Again,
}

macro_rules! object {
    ($name:literal, $making:ident, $parts:expr) => {
        Object {
            name: $name,
            parts: $parts.map(str::to_owned).into(),
            making: Making::$making,
            sql: Cow::Borrowed(include_str!(concat!("../../sql/objects/", $name, ".sql"))),
        }
    };
}

/// Every object in the order of their dependencies; the mirrors first.
static ALL: LazyLock<Vec<Object>> = LazyLock::new(|| {
    let mut all: Vec<_> = mirror::ALL.iter().map(Object::of_mirror).collect();
    all.extend(writing());
    all.extend(access());
    all
});

/// The indexes of our own tables.
const INDEXES: [&str; 12] = [
    "users_sync.journal_received_at_idx",
    "users_sync.journal_outcome_idx",
    "users_sync.journal_entity_idx",
    "users_sync.journal_source_idx",
    "users_sync.journal_quarantined_idx",
    "users_sync.ledger_to_purge_idx",
    "users_sync.ledger_purged_idx",
    "users_sync.ledger_disabled_idx",
    "users_sync.aliases_id_idx",
    "users_sync.marks_due_at_idx",
    "users_sync.mentions_entity_idx",
    "users_sync.runs_source_idx",
];

/// The objects that writing a batch needs.
fn writing() -> [Object; 7] {
    [
        object!("indexes", Again, INDEXES),
        object!("tombstone", Replaced, ["users_sync.tombstone"]),
        object!("lasting", Replaced, ["users_sync.lasting"]),
        object!("is_printable", Replaced, ["users_sync.is_printable"]),
        object!(
            "types",
            Once,
            [
                "users_sync.key",
                "users_sync.claim",
                "users_sync.delivery",
                "users_sync.mention",
                "users_sync.standing",
            ]
        ),
        object!("verdict", Replaced, ["users_sync.verdict"]),
        converge(),
    ]
}

fn converge() -> Object {
    let sql = render::converge().into();
    Object { sql, ..object!("converge", Replaced, ["users_sync.converge"]) }
}

/// The views and functions for applications, and the views that they depend on.
fn access() -> [Object; 14] {
    let about = |kind: Kind, object: Object| {
        let sql = mirror::of(kind).statement(&object.sql).into();
        Object { sql, ..object }
    };
    [
        ensure(Kind::User, "ensure_user"),
        ensure(Kind::Organization, "ensure_organization"),
        about(Kind::User, object!("disabled_users", Replaced, ["users_sync.disabled_users"])),
        object!("users_active", Replaced, ["neon_auth.users_active"]),
        object!("organizations_active", Replaced, ["neon_auth.organizations_active"]),
        about(Kind::Role, object!("known_roles", Replaced, ["users_sync.known_roles"])),
        about(Kind::Grant, object!("live_grants", Replaced, ["users_sync.live_grants"])),
        about(
            Kind::Membership,
            object!("membership_rights", Replaced, ["users_sync.membership_rights"]),
        ),
        foreign_memberships(),
        object!("memberships_active", Replaced, ["neon_auth.memberships_active"]),
        object!("spellings", Replaced, ["users_sync.spellings"]),
        object!("is_active", Replaced, ["users_sync.is_active"]),
        object!("has_role", Replaced, ["users_sync.has_role"]),
        about(Kind::User, object!("has_permission", Replaced, ["users_sync.has_permission"])),
    ]
}

/// What one source says of who is in an organization of another.
fn foreign_memberships() -> Object {
    let object = object!("foreign_memberships", Replaced, ["users_sync.foreign_memberships"]);
    let sql = mirror::of(Kind::Membership).statement(&object.sql);
    Object { sql: sql.replace("{owner}", Kind::Organization.as_str()).into(), ..object }
}

/// The function by which an application makes a row before the provider's delivery comes.
fn ensure(kind: Kind, name: &'static str) -> Object {
    let sql = mirror::of(kind).statement(include_str!("../../sql/mirror/ensure.sql")).into();
    Object { name, parts: vec![format!("users_sync.{name}")], making: Making::Replaced, sql }
}

/// Every object in the order of their dependencies.
pub fn all() -> impl Iterator<Item = &'static Object> {
    ALL.iter()
}

impl Object {
    fn of_mirror(mirror: &'static Mirror) -> Self {
        let mut parts = mirror.index_names();
        parts.push(mirror.table.to_owned());
        // A migration created the first one.
        let making = if mirror.kind == Kind::User { Making::Again } else { Making::Once };
        Self { name: mirror.name(), parts, making, sql: mirror.create().into() }
    }

    /// Whether the migrations create it in a new database.
    pub(super) fn is_migrated(&self) -> bool {
        self.making == Making::Again
    }

    /// SHA-256 of its text, in hex.
    pub fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }

    /// Creates it; the caller commits.
    pub(super) async fn make(&self, client: &impl GenericClient) -> Result<(), Error> {
        client.batch_execute(&self.sql).await?;
        let checksum = self.checksum();
        let params = [(&self.name as _, Type::TEXT), (&checksum as _, Type::TEXT)];
        client.execute_typed(include_str!("../../sql/schema/make.sql"), &params).await?;
        Ok(())
    }
}

/// The objects that must be created: they are missing, or were created from another text.
pub(super) async fn pending(client: &impl GenericClient) -> Result<Vec<&'static Object>, Error> {
    let (made, absent) = (made(client).await?, absent(client).await?);
    let is_pending = |object: &&Object| {
        let changed =
            object.making == Making::Replaced && made.get(object.name) != Some(&object.checksum());
        changed || absent.contains(&object.name)
    };
    Ok(all().filter(is_pending).collect())
}

/// The names of the objects of which the database lacks a part.
pub(super) async fn absent(client: &impl GenericClient) -> Result<Vec<&'static str>, Error> {
    let parts: Vec<_> = all().flat_map(|object| &object.parts).map(String::as_str).collect();
    let missing = missing(client, &parts).await?;
    let is_absent =
        |object: &&Object| object.parts.iter().any(|part| missing.contains(&part.as_str()));
    Ok(all().filter(is_absent).map(|object| object.name).collect())
}

/// The relations and functions among these qualified names that the database lacks.
pub(super) async fn missing<'a>(
    client: &impl GenericClient,
    names: &[&'a str],
) -> Result<Vec<&'a str>, Error> {
    let statement = include_str!("../../sql/schema/present.sql");
    let rows = client.query_typed(statement, &[(&names, Type::TEXT_ARRAY)]).await?;
    let absent = names.iter().zip(rows).filter(|(_, row)| !row.get::<_, bool>("present"));
    Ok(absent.map(|(name, _)| *name).collect())
}

/// Whether the database has had this object; a migration creates the first mirror.
pub(super) async fn is_made(client: &impl GenericClient, object: &Object) -> Result<bool, Error> {
    Ok(object.is_migrated() || made(client).await?.contains_key(object.name))
}

async fn made(client: &impl GenericClient) -> Result<HashMap<String, String>, Error> {
    if !missing(client, &["users_sync.objects"]).await?.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = client.query_typed(include_str!("../../sql/schema/made.sql"), &[]).await?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("checksum"))).collect())
}
