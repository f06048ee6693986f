//! Derives the columns of the mirrors from `raw_json` again after a mapping was corrected. No version changes.

use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::{Client, Error};

use crate::db::blame;
use crate::db::durable::durable;
use crate::db::remap::{self, Shown};
use crate::db::transaction::{self, Limits};
use crate::model::{DeletePolicy, Kind, Record, Version};
use crate::webhook::Source;

/// Entities in one transaction.
const STEP: i64 = 500;
/// Another transaction's lock on one row must not hold up the others, and deliveries behind them.
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
    #[error("the database refused the change")]
    Database(#[from] Error),
}

/// Remaps every entity that shows a snapshot, kind by kind; a dry run is rolled back. No row stops the others.
pub async fn remap(
    client: &mut Client,
    source: impl Fn(&str) -> Option<Source>,
    dry_run: bool,
    mut progress: impl FnMut(&Remapped),
) -> Result<Remapped, RemapError> {
    let mut remapped = Remapped::default();
    for kind in Kind::ALL {
        let mut after = String::new();
        loop {
            let mut shown = remap::read(client, kind, &after, STEP).await?;
            let Some(last) = shown.last() else { break };
            after.clone_from(&last.id);
            shown.retain(|shown| stands_alone(&source, kind, shown));
            let found = shown.iter().filter_map(|shown| derived(&source, kind, shown));
            let found: Vec<_> = found.collect();
            remapped.looked_at += shown.len() as u64;
            remapped.unreadable += (shown.len() - found.len()) as u64;
            write(client, kind, &found, dry_run, &mut remapped).await?;
            progress(&remapped);
        }
    }
    Ok(remapped)
}

/// Whether its `raw_json` contains everything that its columns show; otherwise only the API's whole list does, or an object
/// from before the rules of its source left fields out.
fn stands_alone(source: &impl Fn(&str) -> Option<Source>, kind: Kind, shown: &Shown) -> bool {
    let Some(source) = source(&shown.source) else { return true };
    let api = source.provider.api.as_ref();
    !source.rules.trims() && api.is_none_or(|api| api.stands_alone(kind))
}

/// `None` if its source is unknown, or its `raw_json` is not this entity's.
fn derived(
    source: &impl Fn(&str) -> Option<Source>,
    kind: Kind,
    shown: &Shown,
) -> Option<(Version, Record)> {
    let raw_json = shown.raw_json.as_ref()?.as_str()?;
    let source = source(&shown.source)?;
    let record = source.provider.reread(kind, raw_json, &shown.version).ok()?;
    let mut record = source.rules.record(source.provider, record).ok()?;
    if shown.version.at == Timestamp::UNIX_EPOCH && !source.provider.versioned {
        // This version is only a start before any delivery: the row was adopted or transferred.
        record.updated_at = None;
    }
    (record.id() == shown.id).then(|| (shown.version.clone(), record))
}

/// Writes all rows together if that succeeds, otherwise in halves, down to the row that cannot change.
async fn write(
    client: &mut Client,
    kind: Kind,
    derived: &[(Version, Record)],
    dry_run: bool,
    remapped: &mut Remapped,
) -> Result<(), RemapError> {
    let mut left = vec![derived];
    while let Some(part) = left.pop() {
        match together(client, kind, part, dry_run).await {
            Ok(changed) => remapped.changed += changed,
            Err(error) if !blame::is_on_the_row(&error) => return Err(error.into()),
            Err(error) => {
                let policy = DeletePolicy::Soft;
                if let Some(missing) = blame::missing_rights(client, &error, policy).await {
                    return Err(RemapError::Rights(missing));
                }
                match part {
                    [] | [_] => remapped.refused += part.len() as u64,
                    _ => left.extend(<[_; 2]>::from(part.split_at(part.len() / 2))),
                }
            }
        }
    }
    Ok(())
}

async fn together(
    client: &mut Client,
    kind: Kind,
    derived: &[(Version, Record)],
    dry_run: bool,
) -> Result<u64, Error> {
    let transaction = client.transaction().await?;
    transaction::limit(&transaction, LIMITS).await?;
    durable(&transaction).await?;
    let changed = remap::write(&transaction, kind, derived).await?;
    if dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(changed as u64)
}
