//! Deriving the columns of the mirror from `raw_json` again, after a mapping was mended. No version changes.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::{Client, Error};

use crate::db::blame;
use crate::db::durable::durable;
use crate::db::remap::{self, Shown};
use crate::db::transaction::{self, Limits};
use crate::model::{DeletePolicy, Kind, Record, Version};
use crate::webhook::Source;

/// Users in one transaction.
const STEP: i64 = 500;
/// Somebody else's lock on one row must not hold up the others, and deliveries behind them.
const LIMITS: Limits = Limits { lock: Duration::from_secs(2), statement: None };

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remapped {
    pub looked_at: u64,
    pub changed: u64,
    /// Their `raw_json` is not what their source sends, or their source is unknown.
    pub unreadable: u64,
    /// Postgres did not let their rows change: a trigger, a constraint or a lock of the application.
    pub refused: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum RemapError {
    #[error(
        "our role lacks {0}: the owner of the tables has to run what `users-sync migrate --print-grants` prints"
    )]
    Rights(String),
    #[error("the database did not take it")]
    Database(#[from] Error),
}

/// Every user that shows a snapshot; a dry run is rolled back. No row stops the others.
pub async fn remap(
    client: &mut Client,
    source: impl Fn(&str) -> Option<Source>,
    dry_run: bool,
    mut progress: impl FnMut(&Remapped),
) -> Result<Remapped, RemapError> {
    let mut remapped = Remapped::default();
    let mut after = String::new();
    loop {
        let shown = remap::read(client, &after, STEP).await?;
        let Some(last) = shown.last() else { return Ok(remapped) };
        after.clone_from(&last.id);
        let users: Vec<_> = shown.iter().filter_map(|shown| derived(&source, shown)).collect();
        remapped.looked_at += shown.len() as u64;
        remapped.unreadable += (shown.len() - users.len()) as u64;
        write(client, &users, dry_run, &mut remapped).await?;
        progress(&remapped);
    }
}

/// `None` where its source is unknown, or its `raw_json` is not this user's.
fn derived(source: &impl Fn(&str) -> Option<Source>, shown: &Shown) -> Option<(Version, Record)> {
    let raw_json = shown.raw_json.as_ref()?.as_str()?;
    let provider = source(&shown.source)?.provider;
    let mut user = provider.reread(Kind::User, raw_json, &shown.version).ok()?;
    if shown.version.at == Timestamp::UNIX_EPOCH && !provider.versioned {
        // That version only lies before any delivery: the row was adopted or transferred.
        user.updated_at = None;
    }
    (user.id() == shown.id).then(|| (shown.version.clone(), user))
}

/// Together where that is possible, else in halves, down to the row that cannot change.
async fn write(
    client: &mut Client,
    users: &[(Version, Record)],
    dry_run: bool,
    remapped: &mut Remapped,
) -> Result<(), RemapError> {
    let mut left = vec![users];
    while let Some(users) = left.pop() {
        match together(client, users, dry_run).await {
            Ok(changed) => remapped.changed += changed,
            Err(error) if !blame::is_on_the_row(&error) => return Err(error.into()),
            Err(error) => {
                let policy = DeletePolicy::Soft;
                if let Some(missing) = blame::missing_rights(client, &error, policy).await {
                    return Err(RemapError::Rights(missing));
                }
                match users {
                    [] | [_] => remapped.refused += users.len() as u64,
                    _ => left.extend(<[_; 2]>::from(users.split_at(users.len() / 2))),
                }
            }
        }
    }
    Ok(())
}

async fn together(
    client: &mut Client,
    users: &[(Version, Record)],
    dry_run: bool,
) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    transaction::limit(&transaction, LIMITS).await?;
    durable(&transaction).await?;
    let changed = remap::write(&transaction, users).await?;
    if dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(changed as u64)
}
