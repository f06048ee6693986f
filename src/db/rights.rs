//! The rights that a role without ownership needs to serve: one table, used for the grants, the documentation and
//! the doctor's check.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, GenericClient};

use super::grants::quoted;
use super::mirror::{self, Mirror};
use crate::model::DeletePolicy;

/// The object of a privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Schema(&'static str),
    /// With its schema.
    Table(&'static str),
    /// The functions that run with the rights of their caller.
    Functions,
}

/// When a privilege is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    Always,
    /// Only if rows of the mirror are removed: `DELETE_POLICY=hard:…` and `users erase --hard`.
    ToRemove,
}

#[derive(Clone, Copy, Debug)]
pub struct Right {
    pub object: Object,
    pub privileges: &'static [&'static str],
    pub needed: Needed,
    /// The purpose, for people.
    pub purpose: &'static str,
}

const READ: &[&str] = &["select"];
/// For rows that are never removed.
const KEEP: &[&str] = &["select", "insert", "update"];
const ALL_OF_IT: &[&str] = &["select", "insert", "update", "delete"];

const fn table(
    name: &'static str,
    privileges: &'static [&'static str],
    purpose: &'static str,
) -> Right {
    Right { object: Object::Table(name), privileges, needed: Needed::Always, purpose }
}

const fn schema(name: &'static str, purpose: &'static str) -> Right {
    Right { object: Object::Schema(name), privileges: &["usage"], needed: Needed::Always, purpose }
}

const fn removal(name: &'static str) -> Right {
    Right {
        object: Object::Table(name),
        privileges: &["delete"],
        needed: Needed::ToRemove,
        purpose: "only with `DELETE_POLICY=hard:…`, or to call `users erase --hard`",
    }
}

const SCHEMAS: [Right; 2] =
    [schema("neon_auth", "the mirrors"), schema("users_sync", "our own tables")];

/// Written with every batch, as the mirrors are.
const BOOKS: [Right; 4] = [
    table("users_sync.ledger", KEEP, "versions and tombstones"),
    table("users_sync.journal", ALL_OF_IT, "deliveries; old ones are removed"),
    table("users_sync.mentions", ALL_OF_IT, "the further entities of deliveries"),
    table("users_sync.marks", ALL_OF_IT, "entities that are to be fetched"),
];

const OTHERS: [Right; 10] = [
    table("users_sync.migrations", READ, "whether the schema is current"),
    table("users_sync.objects", READ, "the same, for functions and views"),
    table("users_sync.aliases", KEEP, "the ids of entities that have external ids"),
    table("users_sync.leases", ALL_OF_IT, "one reconcile at a time"),
    table("users_sync.logs", ALL_OF_IT, "how far event logs have been read"),
    table("users_sync.runs", ALL_OF_IT, "backfills and reconciles"),
    table("users_sync.repairs", KEEP, "what all runs repaired"),
    table("users_sync.requests", ALL_OF_IT, "users that are created through us"),
    table("users_sync.findings", ALL_OF_IT, "what an operator should know"),
    Right {
        object: Object::Functions,
        privileges: &["execute"],
        needed: Needed::Always,
        purpose: "the writing of a batch",
    },
];

/// Every right, in the order in which they are granted.
pub fn all() -> Vec<Right> {
    let kept = |mirror: &Mirror| table(mirror.table, KEEP, "deliveries, repair, `scrub`, erasing");
    let kept = mirror::ALL.iter().map(kept);
    let removed = mirror::purged().map(|mirror| removal(mirror.table));
    SCHEMAS.into_iter().chain(kept).chain(removed).chain(BOOKS).chain(OTHERS).collect()
}

/// The tables that every batch reads and writes.
pub(super) fn written() -> impl Iterator<Item = &'static str> {
    let books = BOOKS.into_iter().filter_map(|right| match right.object {
        Object::Table(name) => Some(name),
        Object::Schema(_) | Object::Functions => None,
    });
    mirror::ALL.iter().map(|mirror| mirror.table).chain(books)
}

impl Needed {
    fn by(self, policy: DeletePolicy) -> bool {
        match self {
            Self::Always => true,
            Self::ToRemove => matches!(policy, DeletePolicy::Hard(_)),
        }
    }
}

impl Right {
    /// The statement that the owner runs.
    pub fn grant(&self, role: &str) -> String {
        let privileges = self.privileges.join(", ");
        let object = match self.object {
            Object::Schema(name) => format!("schema {name}"),
            Object::Table(name) => name.to_owned(),
            Object::Functions => "all functions in schema users_sync".to_owned(),
        };
        format!("grant {privileges} on {object} to {}", quoted(role))
    }
}

/// The statements that give a role what it needs under this policy.
pub fn grants(role: &str, policy: DeletePolicy) -> Vec<String> {
    let needed = all().into_iter().filter(|right| right.needed.by(policy));
    needed.map(|right| right.grant(role)).collect()
}

/// What our role lacks under this policy, such as `insert on users_sync.ledger`; a missing object lacks nothing.
pub async fn missing(
    client: &impl GenericClient,
    policy: DeletePolicy,
) -> Result<Vec<String>, Error> {
    let (mut kinds, mut names, mut privileges) = (Vec::new(), Vec::new(), Vec::new());
    for right in all().into_iter().filter(|right| right.needed.by(policy)) {
        let (kind, name) = match right.object {
            Object::Schema(name) => ("schema", name),
            Object::Table(name) => ("table", name),
            Object::Functions => ("functions", "users_sync"),
        };
        for privilege in right.privileges {
            kinds.push(kind);
            names.push(name);
            privileges.push(*privilege);
        }
    }
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&kinds, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY), (&privileges, Type::TEXT_ARRAY)];
    let rows = client.query_typed(include_str!("../../sql/grants/missing.sql"), &params).await?;
    Ok(rows.iter().map(|row| row.get("missing")).collect())
}
