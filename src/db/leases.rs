//! Leases: rows that record which process does work that only one may do at a time. They need no session, so they
//! work behind poolers.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};
use uuid::Uuid;

/// Takes or extends the lease; returns false if another holder has it.
pub async fn take(client: &Client, name: &str, holder: Uuid, seconds: f64) -> Result<bool, Error> {
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&name, Type::TEXT), (&holder, Type::UUID), (&seconds, Type::FLOAT8)];
    let taken = client.execute_typed(include_str!("../../sql/leases/take.sql"), &params).await?;
    Ok(taken == 1)
}

pub async fn release(client: &Client, name: &str, holder: Uuid) -> Result<(), Error> {
    let params: [(&(dyn ToSql + Sync), Type); 2] = [(&name, Type::TEXT), (&holder, Type::UUID)];
    client.execute_typed(include_str!("../../sql/leases/release.sql"), &params).await?;
    Ok(())
}
