//! What a doctor asks a database.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, GenericClient, Row};

use super::mirror::Mirror;

/// What the server is, and how it was reached.
pub struct Server {
    pub version_num: i32,
    pub version: String,
    pub tls: bool,
    /// Through a Unix socket or the loopback interface.
    pub local: bool,
    pub encoding: String,
    pub client_encoding: String,
    pub standby: bool,
    pub read_only: bool,
    pub now: Timestamp,
    /// Seconds.
    pub session_age: f64,
    pub role: String,
    pub may_create: bool,
    /// What a transaction has that says nothing else.
    pub isolation: String,
    pub synchronous_commit: String,
    pub search_path: String,
}

/// What stands in the way of writing to a mirror.
pub struct Obstacles {
    pub row_security: bool,
    pub unique_indexes: String,
    pub triggers: String,
}

/// A foreign key of an application on a mirror.
pub struct ForeignKey {
    pub name: String,
    pub table: String,
    pub on_delete: OnDelete,
    pub columns: String,
    pub required: bool,
    pub indexed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// `no action` or `restrict`.
    Nothing,
    Cascade,
    SetNull,
    SetDefault,
}

/// A column that looks like an entity's id and cannot be one.
pub struct WrongColumn {
    pub table: String,
    pub column: String,
    pub r#type: String,
}

pub async fn server(client: &Client) -> Result<Server, Error> {
    let row = client.query_typed_one(include_str!("../../sql/doctor/server.sql"), &[]).await?;
    Ok(Server {
        version_num: row.get("version_num"),
        version: row.get("version"),
        tls: row.get("tls"),
        local: row.get("local"),
        encoding: row.get("encoding"),
        client_encoding: row.get("client_encoding"),
        standby: row.get("standby"),
        read_only: row.get("read_only"),
        now: row.get("now"),
        session_age: row.get("session_age"),
        role: row.get("role"),
        may_create: row.get("may_create"),
        isolation: row.get("isolation"),
        synchronous_commit: row.get("synchronous_commit"),
        search_path: row.get("search_path"),
    })
}

/// Whether one session runs on different processes of the server, while another one holds a transaction: then a pooler
/// that pools by transaction is in between.
pub async fn sessions_are_parted(one: &Client, other: &mut Client) -> Result<bool, Error> {
    let before = process(one).await?;
    let transaction = other.transaction().await?;
    // From here on it keeps a process for itself: most likely the one that was used last.
    process(&transaction).await?;
    let after = process(one).await?;
    transaction.rollback().await?;
    Ok(before != after)
}

async fn process(client: &impl GenericClient) -> Result<i32, Error> {
    let statement = include_str!("../../sql/doctor/process.sql");
    Ok(client.query_typed_one(statement, &[]).await?.get("pid"))
}

/// `None` where there is no mirror.
pub async fn obstacles(client: &Client, mirror: &Mirror) -> Result<Option<Obstacles>, Error> {
    let statement = include_str!("../../sql/doctor/mirror.sql");
    let row = client.query_typed_opt(statement, &[(&mirror.name(), Type::TEXT)]).await?;
    Ok(row.map(|row| Obstacles {
        row_security: row.get("row_security"),
        unique_indexes: row.get("unique_indexes"),
        triggers: row.get("triggers"),
    }))
}

pub async fn foreign_keys(client: &Client, mirror: &Mirror) -> Result<Vec<ForeignKey>, Error> {
    let statement = include_str!("../../sql/doctor/foreign_keys.sql");
    let rows = client.query_typed(statement, &[(&mirror.name(), Type::TEXT)]).await?;
    let foreign_key = |row: &Row| ForeignKey {
        name: row.get("name"),
        table: row.get("table"),
        on_delete: match row.get("on_delete") {
            "c" => OnDelete::Cascade,
            "n" => OnDelete::SetNull,
            "d" => OnDelete::SetDefault,
            _ => OnDelete::Nothing,
        },
        columns: row.get("columns"),
        required: row.get("required"),
        indexed: row.get("indexed"),
    };
    Ok(rows.iter().map(foreign_key).collect())
}

/// Columns that are named like the id of an entity of this mirror.
pub async fn wrong_columns(client: &Client, mirror: &Mirror) -> Result<Vec<WrongColumn>, Error> {
    let statement = include_str!("../../sql/doctor/columns.sql");
    let rows = client.query_typed(statement, &[(&mirror.called, Type::TEXT_ARRAY)]).await?;
    let column = |row: &Row| WrongColumn {
        table: row.get("table"),
        column: row.get("column"),
        r#type: row.get("type"),
    };
    Ok(rows.iter().map(column).collect())
}
