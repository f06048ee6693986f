//! Adopts a table that another program made: its rows enter the ledger with what their `raw_json` says, before our
//! view shows them.

use bytes::Bytes;
use tokio_postgres::{Client, Transaction};

use crate::db::adopt::{self, Error, Found};
use crate::db::blame;
use crate::db::durable::durable;
use crate::json::{Object, Unreadable};
use crate::model::{Kind, Record};
use crate::webhook::Source;

/// Rows in one statement.
const STEP: i64 = 2_000;

/// The result of an adoption.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Rows that are new to the ledger.
    pub ledgered: u64,
    /// The rows among them whose users are disabled.
    pub disabled: u64,
    /// Rows in which an empty column was filled.
    pub filled: u64,
    /// Rows whose `raw_json` does not come from the provider: they count as not disabled.
    pub unreadable: u64,
}

/// Executes the plan in one transaction. Of a source that is not known the service cannot know which users are disabled.
pub async fn adopt(
    client: &mut Client,
    name: &str,
    source: Option<&Source>,
    mut progress: impl FnMut(&Adopted),
) -> Result<Adopted, Error> {
    let mut transaction = client.transaction().await?;
    durable(&transaction).await?;
    adopt::carry_out(&transaction).await?;
    let mut adopted = Adopted::default();
    let mut after = String::new();
    loop {
        let page = adopt::page(&transaction, &after, STEP).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        step(&mut transaction, name, source, &page, &mut adopted).await?;
        progress(&adopted);
    }
    transaction.commit().await?;
    Ok(adopted)
}

async fn step(
    transaction: &mut Transaction<'_>,
    name: &str,
    source: Option<&Source>,
    page: &[Found],
    adopted: &mut Adopted,
) -> Result<(), Error> {
    let users: Vec<_> = page.iter().map(|row| shown(source?, row)).collect();
    let is_disabled = |user: &Option<Record>| user.as_ref().is_some_and(|user| user.disabled);
    let rows: Vec<_> = page.iter().zip(users.iter().map(is_disabled)).collect();
    let new = adopt::enter(transaction, name, &rows).await?;
    adopted.ledgered += new.len() as u64;
    adopted.unreadable += page
        .iter()
        .zip(&users)
        .filter(|(row, user)| user.is_none() && new.contains(&row.id))
        .count() as u64;
    let users: Vec<_> = users.iter().flatten().filter(|user| new.contains(user.id())).collect();
    adopted.disabled += users.iter().filter(|user| user.disabled).count() as u64;
    adopted.filled += fill(transaction, &users).await?;
    Ok(())
}

/// The user in a row's `raw_json`, if it is the user of that row.
fn shown(source: &Source, row: &Found) -> Option<Record> {
    let user = read(source, row.raw_json.as_deref()?).ok()?;
    (user.id() == row.id).then_some(user)
}

fn read(source: &Source, raw_json: &str) -> Result<Record, Unreadable> {
    let bytes = Bytes::copy_from_slice(raw_json.as_bytes());
    let text = std::str::from_utf8(&bytes).map_err(|_| Unreadable::NotUtf8)?;
    let user = Object::parse(text, "raw_json")?;
    let record = (source.provider.record)(Kind::User, &user, &bytes)?;
    source.rules.record(source.provider, record)
}

/// A trigger or a constraint of the application may refuse the values: then the rows stay as they are, and `remap`
/// can try again.
async fn fill(transaction: &mut Transaction<'_>, users: &[&Record]) -> Result<u64, Error> {
    let attempt = transaction.transaction().await?;
    match adopt::fill(&attempt, users).await {
        Ok(filled) => {
            attempt.commit().await?;
            Ok(filled)
        }
        Err(error) if blame::is_on_the_row(&error) => {
            attempt.rollback().await?;
            tracing::warn!(
                code = error.code().map(tokio_postgres::error::SqlState::code),
                "empty columns of some rows could not be filled; `users-sync remap` tries again"
            );
            Ok(0)
        }
        Err(error) => Err(error.into()),
    }
}
