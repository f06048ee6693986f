//! Rows of the mirrors that are gone although the ledger knows their entities, and rows that the ledger does not know.

use tokio_postgres::{Error, GenericClient};

use super::{ALL, Mirror};
use crate::db::findings;
use crate::model::Subject;

impl Mirror {
    /// A statement about this mirror.
    pub(in crate::db) fn statement(&self, template: &str) -> String {
        template
            .replace("{table}", self.table)
            .replace("{kind}", self.kind.as_str())
            .replace("{plural}", self.kind.plural())
    }
}

/// Fills a mirror that was made again with what the ledger knows: tombstones at once, the living by the provider's API or a
/// replay, and a finding until they are back. Its caller commits.
pub(in crate::db) async fn restore(
    client: &impl GenericClient,
    mirror: &Mirror,
) -> Result<(), Error> {
    let bury = mirror.statement(include_str!("../../../sql/mirror/bury_again.sql"));
    client.execute_typed(&bury, &[]).await?;
    let mark = mirror.statement(include_str!("../../../sql/mirror/mark_lost.sql"));
    client.execute_typed(&mark, &[]).await?;
    report_of(client, mirror).await
}

/// Sets the findings that a mirror lacks rows of entities which the ledger knows, and clears those of mirrors that lack none.
pub async fn report(client: &impl GenericClient) -> Result<(), Error> {
    for mirror in &ALL {
        report_of(client, mirror).await?;
    }
    Ok(())
}

async fn report_of(client: &impl GenericClient, mirror: &Mirror) -> Result<(), Error> {
    match lost_of(client, mirror).await? {
        0 => findings::clear(client, Subject::Mirror, mirror.table).await,
        lost => findings::set(client, Subject::Mirror, mirror.table, &in_words(lost, mirror)).await,
    }
}

/// How many living entities the ledger knows and their mirror lacks, for each mirror that lacks any.
pub async fn lost(client: &impl GenericClient) -> Result<Vec<(&'static Mirror, i64)>, Error> {
    let mut lacking = Vec::new();
    for mirror in &ALL {
        match lost_of(client, mirror).await? {
            0 => {}
            lost => lacking.push((mirror, lost)),
        }
    }
    Ok(lacking)
}

async fn lost_of(client: &impl GenericClient, mirror: &Mirror) -> Result<i64, Error> {
    let statement = mirror.statement(include_str!("../../../sql/mirror/lost.sql"));
    count(client, &statement).await
}

/// How many rows of the users' mirror the ledger does not know, and which are no stubs: no source owns them, and the tables
/// cannot say who is disabled.
pub async fn unknown(client: &impl GenericClient) -> Result<i64, Error> {
    let statement = ALL[0].statement(include_str!("../../../sql/mirror/unknown.sql"));
    count(client, &statement).await
}

async fn count(client: &impl GenericClient, statement: &str) -> Result<i64, Error> {
    let rows = client.query_typed(statement, &[]).await?;
    rows.first().map_or(Ok(0), |row| row.try_get(0))
}

/// The problem and the remedy, for an operator.
pub fn in_words(lost: i64, mirror: &Mirror) -> String {
    let kinds = mirror.kind.plural();
    format!(
        "{lost} {kinds} that users-sync knows have no row: somebody dropped or emptied the table. `users-sync backfill` brings them back from the provider, `users-sync replay --all` from the bodies that the journal keeps"
    )
}

/// Makes a new ledger remember which rows of older mirrors are tombstones. Its caller commits.
pub(in crate::db) async fn remember_deleted(client: &impl GenericClient) -> Result<(), Error> {
    for mirror in &ALL {
        let statement = mirror.statement(include_str!("../../../sql/mirror/remember_deleted.sql"));
        client.execute_typed(&statement, &[]).await?;
    }
    Ok(())
}
