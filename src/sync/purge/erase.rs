//! Erasing one user at once.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{Client, Error};

use super::LIMITS;
use super::refusal::{PurgeError, explained, refused};
use crate::db::durable::durable;
use crate::db::mirror;
use crate::db::purge::{self, Purged, Shown};
use crate::db::transaction;
use crate::model::{DeletePolicy, Key, Kind};

/// What an erasure did.
#[derive(Debug)]
pub struct Erased {
    /// `None` where the mirror had no row.
    pub shown: Option<Shown>,
    pub purged: Purged,
    /// Why the row was emptied, not removed.
    pub blocked: Option<String>,
}

/// Erases one user at once, known or not, with what hangs on it, whatever the policy says; where `hard` cannot be, the rows are
/// emptied at least.
pub async fn erase(client: &mut Client, id: &str, hard: bool) -> Result<Erased, PurgeError> {
    let mut erased = erase_or_empty(client, id, hard).await?;
    erased.purged.bodies += purge::forget_named(client, &Key::user(id)).await?;
    Ok(erased)
}

async fn erase_or_empty(client: &mut Client, id: &str, hard: bool) -> Result<Erased, PurgeError> {
    let done = |blocked| |(shown, purged)| Erased { shown, purged, blocked };
    let policy = if hard { DeletePolicy::Hard(SignedDuration::ZERO) } else { DeletePolicy::Soft };
    let blocked = match erase_as(client, id, hard).await {
        Ok(erased) => return Ok(done(None)(erased)),
        Err(error) if !hard => return Err(explained(client, error, policy).await),
        Err(error) => match refused(client, error, policy, Kind::User).await {
            Ok(reason) => reason,
            Err(lacking @ PurgeError::Rights(_)) => lacking.to_string(),
            Err(error) => return Err(error),
        },
    };
    match erase_as(client, id, false).await {
        Ok(erased) => Ok(done(Some(blocked))(erased)),
        Err(error) => Err(explained(client, error, DeletePolicy::Soft).await),
    }
}

async fn erase_as(
    client: &mut Client,
    id: &str,
    hard: bool,
) -> Result<(Option<Shown>, Purged), Error> {
    let transaction = client.transaction().await?;
    transaction::limit(&transaction, LIMITS).await?;
    durable(&transaction).await?;
    let users = mirror::of(Kind::User);
    let shown = purge::shown(&transaction, users, id).await?;
    purge::bury(&transaction, users, &[id]).await?;
    let purged = purge::purge(&transaction, users, &[id], Timestamp::MAX, hard).await?;
    transaction.commit().await?;
    Ok((shown, purged))
}
