//! Single entities of any kind, and the memberships of one.

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use super::mirror::{self, Column, Shape};
use super::values::optional_time;
use crate::model::{Key, Kind, RawJson};

/// An entity as its mirror shows it and the ledger knows it.
#[derive(Debug)]
pub struct Entity {
    pub key: Key,
    /// Whether the mirror says something of it; a row that an application made before the entity was known does not.
    pub known: bool,
    pub mirrored: bool,
    /// The mirror's own columns of text, in their order.
    texts: Vec<Option<String>>,
    permissions: Option<Vec<String>>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    /// `None` if there is no row, or if its text would be far longer than the stored value.
    pub raw_json: Option<RawJson>,
    pub source: Option<String>,
    pub version_at: Option<Timestamp>,
    pub version_delivery: Option<String>,
    pub tombstone: Option<Timestamp>,
    pub disabled: bool,
    pub purged_at: Option<Timestamp>,
}

/// The value of one of a mirror's own columns.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Value<'a> {
    Text(Option<&'a str>),
    Permissions(Option<&'a [String]>),
}

impl Entity {
    /// The mirror's own columns.
    pub fn columns(&self) -> impl Iterator<Item = (&'static Column, Value<'_>)> {
        let mut texts = self.texts.iter();
        mirror::of(self.key.kind).columns.iter().map(move |column| {
            let value = match column.shape {
                Shape::Text => Value::Text(texts.next().and_then(Option::as_deref)),
                Shape::Permissions => Value::Permissions(self.permissions.as_deref()),
            };
            (column, value)
        })
    }
}

/// As its row is, with what the ledger says of it.
impl Serialize for Entity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.key.id)?;
        for (column, value) in self.columns() {
            map.serialize_entry(column.name, &value)?;
        }
        map.serialize_entry("created_at", &self.created_at)?;
        map.serialize_entry("updated_at", &self.updated_at)?;
        map.serialize_entry("deleted_at", &self.deleted_at)?;
        map.serialize_entry("disabled", &self.disabled)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("raw_json", &self.raw_json)?;
        map.end()
    }
}

/// `None` if neither the mirror nor the ledger has it; texts of more than `longest` characters are cut.
pub async fn one(client: &Client, key: &Key, longest: i32) -> Result<Option<Entity>, Error> {
    let mirror = mirror::of(key.kind);
    let texts = mirror.columns.iter().filter(|column| column.shape == Shape::Text);
    let texts: Vec<_> = texts.map(|column| format!("left(m.{}, $2)", column.name)).collect();
    let has_permissions = mirror.columns.iter().any(|column| column.shape == Shape::Permissions);
    let statement = mirror
        .statement(include_str!("../../sql/entities/one.sql"))
        .replace("{texts}", &texts.join(", "))
        .replace("{permissions}", if has_permissions { "m.permissions" } else { "null::text[]" });
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&key.id, Type::TEXT), (&longest, Type::INT4)];
    let row = client.query_typed_opt(&statement, &params).await?;
    row.map(|row| entity(key, &row)).transpose()
}

fn entity(key: &Key, row: &Row) -> Result<Entity, Error> {
    Ok(Entity {
        key: key.clone(),
        known: row.try_get("known")?,
        mirrored: row.try_get("mirrored")?,
        texts: row.try_get("texts")?,
        permissions: row.try_get("permissions")?,
        created_at: optional_time(row, "created_at")?,
        updated_at: optional_time(row, "updated_at")?,
        deleted_at: optional_time(row, "deleted_at")?,
        raw_json: row.try_get("raw_json")?,
        source: row.try_get("source")?,
        version_at: optional_time(row, "version_at")?,
        version_delivery: row.try_get("version_delivery")?,
        tombstone: optional_time(row, "tombstone")?,
        disabled: row.try_get::<_, Option<bool>>("disabled")?.unwrap_or_default(),
        purged_at: optional_time(row, "purged_at")?,
    })
}

/// A membership, deleted or not.
#[derive(Debug, Serialize)]
pub struct Membership {
    pub id: String,
    pub user_id: Option<String>,
    pub organization_id: Option<String>,
    /// The name of the user in a list of members, else the name of the organization.
    pub name: Option<String>,
    pub role: Option<String>,
    /// The permissions that the provider gives the membership itself, besides those of the role.
    pub permissions: Option<Vec<String>>,
    /// Whether it counts: it is not deleted, and neither is its organization, and its user is active.
    pub active: bool,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

/// The end of a page of memberships: the id of the other side, and the id of the membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub other: String,
    pub id: String,
}

#[derive(Debug)]
pub struct Page {
    pub found: Vec<Membership>,
    /// `None` at the end.
    pub next: Option<Place>,
}

/// The memberships of a user or of an organization.
pub async fn memberships(
    client: &Client,
    of: &Key,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page, Error> {
    let mirror = mirror::of(Kind::Membership);
    let (column, _) = mirror.references().find(|(_, to)| *to == of.kind).expect("it refers to it");
    let (other, to) = mirror.references().find(|(_, to)| *to != of.kind).expect("and to another");
    let statement = mirror
        .statement(include_str!("../../sql/entities/memberships.sql"))
        .replace("{column}", column)
        .replace("{user}", Kind::User.as_str())
        .replace("{organization}", Kind::Organization.as_str())
        .replace("{others}", mirror::of(to).table)
        .replace("{other}", other);
    let (after_other, after_id) =
        after.map(|place| (place.other.as_str(), place.id.as_str())).unzip();
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&of.id, Type::TEXT),
        (&limit, Type::INT8),
        (&after_other, Type::TEXT),
        (&after_id, Type::TEXT),
    ];
    let rows = client.query_typed(&statement, &params).await?;
    let is_full = i64::try_from(rows.len()) == Ok(limit);
    let next = match rows.last().filter(|_| is_full) {
        Some(last) => Some(Place { other: last.try_get(other)?, id: last.try_get("id")? }),
        None => None,
    };
    Ok(Page { found: rows.iter().map(membership).collect::<Result<_, _>>()?, next })
}

fn membership(row: &Row) -> Result<Membership, Error> {
    Ok(Membership {
        id: row.try_get("id")?,
        user_id: row.try_get("user_id")?,
        organization_id: row.try_get("organization_id")?,
        name: row.try_get("other_name")?,
        role: row.try_get("role")?,
        permissions: row.try_get("permissions")?,
        active: row.try_get("active")?,
        created_at: optional_time(row, "created_at")?,
        updated_at: optional_time(row, "updated_at")?,
        deleted_at: optional_time(row, "deleted_at")?,
    })
}

/// A permission of a user in addition to those of roles, deleted or not.
#[derive(Debug)]
pub struct Grant {
    pub id: String,
    /// `None` if it applies to the whole project.
    pub organization_id: Option<String>,
    pub permission: Option<String>,
    pub deleted_at: Option<Timestamp>,
}

/// The first of a user's grants.
pub async fn grants(client: &Client, user: &str, limit: i64) -> Result<Vec<Grant>, Error> {
    let mirror = mirror::of(Kind::Grant);
    let statement = mirror.statement(include_str!("../../sql/entities/grants.sql"));
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&user, Type::TEXT), (&limit, Type::INT8)];
    let rows = client.query_typed(&statement, &params).await?;
    let grant = |row: &Row| {
        Ok(Grant {
            id: row.try_get("id")?,
            organization_id: row.try_get("organization_id")?,
            permission: row.try_get("permission")?,
            deleted_at: optional_time(row, "deleted_at")?,
        })
    };
    rows.iter().map(grant).collect()
}
