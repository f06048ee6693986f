//! Whether we can use this server: its version and the encoding of the database.

use tokio_postgres::GenericClient;

/// The oldest version that is tested: PostgreSQL 14.
pub const OLDEST: i32 = 140_000;

#[derive(Debug, thiserror::Error)]
pub enum Unsuitable {
    #[error(
        "PostgreSQL 14 or newer is needed; this is {version}. Nothing was changed. Upgrade the server, or name another one in DATABASE_URL"
    )]
    TooOld { version: String },
    #[error(
        "the database {database} has the encoding {encoding}, which cannot hold every name; UTF8 is needed. Nothing was changed. Create a new database, `create database … encoding 'UTF8' template template0`, move the content of this one into it (pg_dump, pg_restore), and name it in DATABASE_URL"
    )]
    Encoding { database: String, encoding: String },
    #[error("the server did not report its version")]
    Database(#[from] tokio_postgres::Error),
}

/// Reads the version and the encoding, and writes nothing.
pub async fn check(client: &impl GenericClient) -> Result<(), Unsuitable> {
    let rows = client.query_typed(include_str!("../../sql/schema/server.sql"), &[]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    if row.get::<_, i32>("version_num") < OLDEST {
        return Err(Unsuitable::TooOld { version: row.get("version") });
    }
    let encoding: String = row.get("encoding");
    if encoding != "UTF8" {
        return Err(Unsuitable::Encoding { database: row.get("database"), encoding });
    }
    Ok(())
}
