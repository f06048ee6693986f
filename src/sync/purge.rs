//! The delete policy: purges the rows of deleted entities in the background or by command.

mod erase;
mod refusal;

use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::db::durable::durable;
use crate::db::findings;
use crate::db::mirror::{self, Mirror};
use crate::db::purge::{self, Due, Purged};
use crate::db::transaction::{self, Limits};
use crate::model::{DeletePolicy, Key, Kind, Subject};

pub use erase::{Erased, erase};
pub use refusal::PurgeError;
use refusal::{explained, refused};

/// The number of entities in one transaction: their cascades reach into tables of the application.
const STEP: i64 = 100;
const EVERY: Duration = Duration::from_secs(3600);
/// A purge waits a short time for a lock, and gives up if a foreign key has no index.
const LIMITS: Limits =
    Limits { lock: Duration::from_secs(5), statement: Some(Duration::from_secs(60)) };
/// The time of two rounds, so that the next round finds what one missed.
const SWEPT: SignedDuration = SignedDuration::from_hours(2);

/// The id of the finding if a whole round failed.
const ROUND: &str = "neon_auth.users_sync";

/// The result of a round.
#[derive(Debug, Default)]
pub struct Round {
    pub purged: Purged,
    /// Entities whose rows stayed, and why.
    pub blocked: Vec<(Key, String)>,
}

/// Applies the policy, now and every hour; never returns.
pub async fn run(pool: Pool, policy: DeletePolicy) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match in_background(&pool, policy).await {
            Ok(round) => log(&round),
            Err(error) => tracing::warn!(error, "deleted rows could not be purged"),
        }
    }
}

async fn in_background(pool: &Pool, policy: DeletePolicy) -> Result<Round, String> {
    let mut client = pool.get().await.map_err(|error| crate::error_chain(&error))?;
    apply(&mut client, policy, false, |_| ()).await.map_err(|error| crate::error_chain(&error))
}

fn log(Round { purged, blocked }: &Round) {
    for kind in Kind::ALL.into_iter().filter(|kind| purged.of(*kind) > 0) {
        tracing::info!(%kind, rows = purged.of(kind), "deleted rows were purged");
    }
    for (Key { kind, id }, reason) in blocked {
        tracing::warn!(%kind, id, reason, "a deleted row could not be purged");
    }
}

/// One round of the policy, and its findings; a dry run rolls back what it tried.
pub async fn apply(
    client: &mut Client,
    policy: DeletePolicy,
    dry_run: bool,
    progress: impl FnMut(&Round),
) -> Result<Round, PurgeError> {
    let round = match round(client, policy, dry_run, progress).await {
        Err(PurgeError::Database(error)) => Err(explained(client, error, policy).await),
        round => round,
    };
    if dry_run {
        return round;
    }
    match &round {
        Ok(Round { blocked, .. }) => {
            let still: Vec<_> = blocked.iter().map(|(key, _)| findings::name_of(key)).collect();
            let still: Vec<_> = still.iter().map(String::as_str).collect();
            findings::settle(client, Subject::Purge, &still).await?;
        }
        Err(error) => {
            // The round's own error says more than one of this would.
            let _ = findings::set(client, Subject::Purge, ROUND, &problem(error)).await;
        }
    }
    round
}

/// A text for the operator, without the server's message, which may quote values.
fn problem(error: &PurgeError) -> String {
    match error {
        PurgeError::Rights(_) => error.to_string(),
        PurgeError::Database(error) => {
            let code = error.code().map_or("no answer", SqlState::code);
            format!(
                "the last round failed ({code}), and what was deleted may still have rows: see the log, then try `users-sync purge --dry-run`"
            )
        }
    }
}

async fn round(
    client: &mut Client,
    policy: DeletePolicy,
    dry_run: bool,
    mut progress: impl FnMut(&Round),
) -> Result<Round, PurgeError> {
    let mut round = Round::default();
    let now = Timestamp::now();
    let mut attempt = Attempt { client, policy, dry_run };
    if !dry_run {
        round.purged.bodies += purge::sweep(attempt.client, now - SWEPT).await?.cast_signed();
        for mirror in &mirror::ALL {
            attempt.what_is_left(mirror, &mut round).await?;
        }
    }
    let (grace, hard) = match policy {
        DeletePolicy::Soft => return Ok(round),
        DeletePolicy::Scrub(grace) => (grace, false),
        DeletePolicy::Hard(grace) => (grace, true),
    };
    for mirror in mirror::purged() {
        let mut last: Option<Due> = None;
        loop {
            let (before, after) = (now - grace, last.as_ref());
            let due = purge::due(attempt.client, mirror, before, hard, after, STEP).await?;
            let Some(end) = due.last() else { break };
            last = Some(end.clone());
            let ids: Vec<_> = due.iter().map(|due| due.id.as_str()).collect();
            attempt.all(mirror, Work::Due { before, hard }, &ids, &mut round).await?;
            progress(&round);
        }
    }
    Ok(round)
}

struct Attempt<'a> {
    client: &'a mut Client,
    policy: DeletePolicy,
    dry_run: bool,
}

/// The treatment of some rows of a mirror.
#[derive(Clone, Copy)]
enum Work {
    /// Rows deleted before a moment: they are emptied, or removed if `hard`.
    Due { before: Timestamp, hard: bool },
    /// Rows that came after the purge of the entity that they depend on: they are emptied.
    Left,
}

impl Attempt<'_> {
    /// Empties rows that a late delivery or the provider's API filled: no writer checks whether a membership's user is purged.
    async fn what_is_left(
        &mut self,
        mirror: &'static Mirror,
        round: &mut Round,
    ) -> Result<(), PurgeError> {
        loop {
            let left = purge::left(self.client, mirror, STEP).await?;
            let ids: Vec<_> = left.iter().map(String::as_str).collect();
            let before = round.purged.total();
            if !ids.is_empty() {
                self.all(mirror, Work::Left, &ids, round).await?;
            }
            // Only rows that cannot be emptied may remain for ever.
            if round.purged.total() == before {
                return Ok(());
            }
        }
    }

    /// Purges all rows together if that succeeds, otherwise one by one, so that a blocked row holds up no other.
    async fn all(
        &mut self,
        mirror: &'static Mirror,
        work: Work,
        ids: &[&str],
        round: &mut Round,
    ) -> Result<(), PurgeError> {
        match self.some(mirror, work, ids).await {
            Ok(purged) => round.purged.add(purged),
            Err(error) => {
                refused(self.client, error, self.policy, mirror.kind).await?;
                for id in ids {
                    self.one(mirror, work, id, round).await?;
                }
            }
        }
        Ok(())
    }

    async fn one(
        &mut self,
        mirror: &'static Mirror,
        work: Work,
        id: &str,
        round: &mut Round,
    ) -> Result<(), PurgeError> {
        match self.some(mirror, work, &[id]).await {
            Ok(purged) => round.purged.add(purged),
            Err(error) => {
                let reason = refused(self.client, error, self.policy, mirror.kind).await?;
                let key = Key::new(mirror.kind, id);
                if !self.dry_run {
                    let id = findings::name_of(&key);
                    findings::set(self.client, Subject::Purge, &id, &reason).await?;
                }
                if round.blocked.iter().all(|(blocked, _)| *blocked != key) {
                    round.blocked.push((key, reason));
                }
            }
        }
        Ok(())
    }

    async fn some(
        &mut self,
        mirror: &'static Mirror,
        work: Work,
        ids: &[&str],
    ) -> Result<Purged, Error> {
        let transaction = self.client.transaction().await?;
        transaction::limit(&transaction, LIMITS).await?;
        durable(&transaction).await?;
        let purged = match work {
            Work::Due { before, hard } => {
                purge::purge(&transaction, mirror, ids, before, hard).await?
            }
            Work::Left => purge::empty_left(&transaction, mirror, ids).await?,
        };
        if self.dry_run {
            transaction::check_deferred(&transaction).await?;
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(purged)
    }
}
