//! The delete policy: what becomes of the rows of deleted users, in the background and at once.

mod refusal;

use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use crate::db::durable::durable;
use crate::db::findings;
use crate::db::purge::{self, Due, Purged, Shown};
use crate::db::transaction::{self, Limits};
use crate::model::{DeletePolicy, Subject};

pub use refusal::PurgeError;
use refusal::{explained, refused};

/// Users in one transaction: their cascades reach into tables of the application.
const STEP: i64 = 100;
const EVERY: Duration = Duration::from_secs(3600);
/// A purge waits a short time for a lock, and gives up where a foreign key has no index.
const LIMITS: Limits =
    Limits { lock: Duration::from_secs(5), statement: Some(Duration::from_secs(60)) };
/// Two rounds: what one missed the next one finds.
const SWEPT: SignedDuration = SignedDuration::from_hours(2);

/// What the finding of a round that failed as a whole is about.
const ROUND: &str = "neon_auth.users_sync";

/// What a round did.
#[derive(Debug, Default)]
pub struct Round {
    pub purged: Purged,
    /// Users whose rows stayed, and why.
    pub blocked: Vec<(String, String)>,
}

/// What an erasure did.
#[derive(Debug)]
pub struct Erased {
    /// `None` where the mirror had no row.
    pub shown: Option<Shown>,
    pub purged: Purged,
    /// Why the row was emptied, not removed.
    pub blocked: Option<String>,
}

/// Applies the policy, now and every hour; never returns.
pub async fn run(pool: Pool, policy: DeletePolicy) {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        match in_background(&pool, policy).await {
            Ok(round) => tell(&round),
            Err(error) => tracing::warn!(error, "deleted users could not be purged"),
        }
    }
}

async fn in_background(pool: &Pool, policy: DeletePolicy) -> Result<Round, String> {
    let mut client = pool.get().await.map_err(|error| crate::error_chain(&error))?;
    apply(&mut client, policy, false, |_| ()).await.map_err(|error| crate::error_chain(&error))
}

fn tell(round: &Round) {
    if round.purged.users > 0 {
        tracing::info!(users = round.purged.users, "deleted users were purged");
    }
    for (id, reason) in &round.blocked {
        tracing::warn!(user = id, reason, "a deleted user could not be purged");
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
            let still: Vec<_> = blocked.iter().map(|(id, _)| id.as_str()).collect();
            findings::settle(client, Subject::Purge, &still).await?;
        }
        Err(error) => {
            // The round's own error says more than one of this would.
            let _ = findings::set(client, Subject::Purge, ROUND, &problem(error)).await;
        }
    }
    round
}

/// For an operator. The server's own message may quote values.
fn problem(error: &PurgeError) -> String {
    match error {
        PurgeError::Rights(_) => error.to_string(),
        PurgeError::Database(error) => {
            let code = error.code().map_or("no answer", SqlState::code);
            format!(
                "the last round failed ({code}), and deleted users may still have rows: see the log, then try `users-sync purge --dry-run`"
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
    if !dry_run {
        round.purged.bodies += purge::sweep(client, now - SWEPT).await?.cast_signed();
    }
    let (grace, hard) = match policy {
        DeletePolicy::Soft => return Ok(round),
        DeletePolicy::Scrub(grace) => (grace, false),
        DeletePolicy::Hard(grace) => (grace, true),
    };
    let mut attempt = Attempt { client, policy, before: now - grace, hard, dry_run };
    let mut last: Option<Due> = None;
    loop {
        let due = purge::due(attempt.client, attempt.before, last.as_ref(), STEP).await?;
        let Some(end) = due.last() else { return Ok(round) };
        last = Some(end.clone());
        attempt.all(&due, &mut round).await?;
        progress(&round);
    }
}

struct Attempt<'a> {
    client: &'a mut Client,
    policy: DeletePolicy,
    before: Timestamp,
    hard: bool,
    dry_run: bool,
}

impl Attempt<'_> {
    /// Together where that is possible, else one by one, so that a row that cannot go holds up no other.
    async fn all(&mut self, due: &[Due], round: &mut Round) -> Result<(), PurgeError> {
        let ids: Vec<_> = due.iter().map(|due| due.id.as_str()).collect();
        match self.some(&ids).await {
            Ok(purged) => round.purged.add(purged),
            Err(error) => {
                refused(self.client, error, self.policy).await?;
                for id in ids {
                    self.one(id, round).await?;
                }
            }
        }
        Ok(())
    }

    async fn one(&mut self, id: &str, round: &mut Round) -> Result<(), PurgeError> {
        match self.some(&[id]).await {
            Ok(purged) => round.purged.add(purged),
            Err(error) => {
                let reason = refused(self.client, error, self.policy).await?;
                if !self.dry_run {
                    findings::set(self.client, Subject::Purge, id, &reason).await?;
                }
                round.blocked.push((id.to_owned(), reason));
            }
        }
        Ok(())
    }

    async fn some(&mut self, ids: &[&str]) -> Result<Purged, Error> {
        let transaction = self.client.transaction().await?;
        transaction::limit(&transaction, LIMITS).await?;
        durable(&transaction).await?;
        let purged = purge::purge(&transaction, ids, self.before, self.hard).await?;
        if self.dry_run {
            transaction::check_deferred(&transaction).await?;
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(purged)
    }
}

/// Erases one user at once, known or not, whatever the policy says; where `hard` cannot be, the row is emptied at least.
pub async fn erase(client: &mut Client, id: &str, hard: bool) -> Result<Erased, PurgeError> {
    let done = |blocked| |(shown, purged)| Erased { shown, purged, blocked };
    let policy = if hard { DeletePolicy::Hard(SignedDuration::ZERO) } else { DeletePolicy::Soft };
    let blocked = match erase_as(client, id, hard).await {
        Ok(erased) => return Ok(done(None)(erased)),
        Err(error) if !hard => return Err(explained(client, error, policy).await),
        Err(error) => match refused(client, error, policy).await {
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
    let shown = purge::bury(&transaction, id).await?;
    let purged = purge::purge(&transaction, &[id], Timestamp::MAX, hard).await?;
    transaction.commit().await?;
    Ok((shown, purged))
}

impl Purged {
    fn add(&mut self, other: Self) {
        let Self { users, emptied, removed, bodies, quarantined } = other;
        self.users += users;
        self.emptied += emptied;
        self.removed += removed;
        self.bodies += bodies;
        self.quarantined += quarantined;
    }
}
