//! One row of the mirror.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::durable::durable;
use super::mirror;
use super::values::optional_time;
use crate::model::{Kind, RawJson};

/// As the mirror shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UserRow {
    pub id: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub created_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub disabled: bool,
    pub source: Option<String>,
    /// `None` where its text would be far longer than what is stored: `1e131000` prints as 131,001 digits.
    pub raw_json: Option<RawJson>,
}

/// `None` where there is no row, and where it is a stub.
pub async fn one(client: &Client, id: &str) -> Result<Option<UserRow>, Error> {
    let statement = statement(include_str!("../../sql/users/one.sql"));
    let row = client.query_typed_opt(&statement, &[(&id, Type::TEXT)]).await?;
    row.map(|row| user(&row)).transpose()
}

fn user(row: &Row) -> Result<UserRow, Error> {
    Ok(UserRow {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        email: row.try_get("email")?,
        created_at: optional_time(row, "created_at")?,
        updated_at: optional_time(row, "updated_at")?,
        deleted_at: optional_time(row, "deleted_at")?,
        disabled: row.try_get("disabled")?,
        source: row.try_get("source")?,
        raw_json: row.try_get("raw_json")?,
    })
}

/// Which of these users have a row that is not a stub.
pub async fn present(client: &Client, ids: &[String]) -> Result<Vec<String>, Error> {
    let statement = statement(include_str!("../../sql/users/present.sql"));
    let rows = client.query_typed(&statement, &[(&ids, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| row.try_get("id")).collect()
}

/// Makes `to` the owner of a user, and answers the owner before; `None` where the ledger does not know the user.
pub async fn transfer(client: &mut Client, id: &str, to: &str) -> Result<Option<String>, Error> {
    let transaction = client.transaction().await?;
    durable(&transaction).await?;
    let statement = statement(include_str!("../../sql/users/transfer.sql"));
    let params = [(&id as _, Type::TEXT), (&to as _, Type::TEXT)];
    let row = transaction.query_typed_opt(&statement, &params).await?;
    let from = row.map(|row| row.try_get("source")).transpose()?;
    transaction.commit().await?;
    Ok(from)
}

fn statement(template: &str) -> String {
    mirror::of(Kind::User).statement(template)
}
