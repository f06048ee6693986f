//! Deriving the columns of the mirror from `raw_json` again, after a mapping was mended. No version changes.

use tokio_postgres::{Client, Error};

use crate::db::remap;
use crate::webhook::Source;

/// Users in one transaction.
const STEP: i64 = 500;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remapped {
    pub looked_at: u64,
    pub changed: u64,
    /// Their `raw_json` is not what their source sends, or their source is unknown.
    pub unreadable: u64,
}

/// Every user that shows a snapshot; a dry run is rolled back.
pub async fn remap(
    client: &mut Client,
    source: impl Fn(&str) -> Option<Source>,
    dry_run: bool,
    mut progress: impl FnMut(&Remapped),
) -> Result<Remapped, Error> {
    let mut remapped = Remapped::default();
    let mut after = String::new();
    loop {
        let transaction = client.transaction().await?;
        let shown = remap::read(&transaction, &after, STEP).await?;
        let Some(last) = shown.last() else { return Ok(remapped) };
        after.clone_from(&last.id);
        let looked_at = shown.len();
        let users: Vec<_> = shown
            .into_iter()
            .filter_map(|shown| {
                let raw_json = shown.raw_json.as_ref()?.as_str()?;
                let user = source(&shown.source)?.provider.reread(raw_json, &shown.version);
                Some((shown.version, user.ok()?))
            })
            .collect();
        let changed = remap::write(&transaction, &users).await?;
        if dry_run {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        remapped.looked_at += looked_at as u64;
        remapped.changed += changed as u64;
        remapped.unreadable += (looked_at - users.len()) as u64;
        progress(&remapped);
    }
}
