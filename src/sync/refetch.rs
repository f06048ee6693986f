//! The truth about users whose deliveries are not the last word: fetched soon after, once for a burst.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::users::{Error, Fetched, Users};
use crate::db::marks::{self, Mark};

/// What is marked meanwhile is fetched together.
const GATHER: Duration = Duration::from_millis(250);
/// Marks of other replicas, of applications and of before a crash are found within this time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After this, somebody else tries.
const TERM: Duration = Duration::from_secs(60);
/// Fetches at once.
const ABREAST: u8 = 8;
/// A fence is in whole seconds, and lies up to two of them in the past; a little more for the way.
const BEHIND: SignedDuration = SignedDuration::from_millis(2050);
/// No mark rests longer between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often a user that no provider shows is asked for: with the pauses, for about a minute.
const MISSING_ATTEMPTS: i32 = 7;

/// Fetches what is marked; never returns.
pub async fn keep(users: Users) {
    let mut pause = LOOK_EVERY;
    loop {
        tokio::select! {
            () = users.tables().commits.marked() => tokio::time::sleep(GATHER).await,
            () = tokio::time::sleep(pause) => {}
        }
        pause = LOOK_EVERY;
        match fetch_due(&users).await {
            Ok(next) => pause = next.map_or(pause, |next| next.min(pause)),
            Err(error) => {
                let error = crate::error_chain(&error);
                tracing::warn!(error, "what is marked could not be fetched");
            }
        }
    }
}

/// Fetches every mark that is due, and answers how soon one of them is due again; what fails is due again later.
pub async fn fetch_due(users: &Users) -> Result<Option<Duration>, Error> {
    let mut sources = users.sources();
    sources.push("");
    let mut next: Option<Duration> = None;
    loop {
        let database = users.tables().pool().get().await?;
        let taken = marks::take(&database, ABREAST.into(), TERM.as_secs_f64(), &sources).await?;
        drop(database);
        if taken.is_empty() {
            return Ok(next);
        }
        let mut fetches = JoinSet::new();
        for mark in taken {
            fetches.spawn(fetch(users.clone(), mark));
        }
        while let Some(fetched) = fetches.join_next().await {
            match fetched {
                Ok(Ok(again)) => next = next.into_iter().chain(again).min(),
                Ok(Err((id, error))) => {
                    let error = crate::error_chain(&error);
                    tracing::warn!(
                        user = id,
                        error,
                        "a user could not be fetched; it is tried again"
                    );
                }
                Err(_) => {}
            }
        }
    }
}

/// Fetches a user, and settles its mark; the time until it is due again, if it is.
async fn fetch(users: Users, mark: Mark) -> Result<Option<Duration>, (String, Error)> {
    let fetched = async {
        let again = match in_vain(&users, &mark) {
            Some(wait) => Some(wait),
            None => asked(&users, &mark).await?,
        };
        let database = users.tables().pool().get().await?;
        // After the commit: a crash in between fetches once more.
        match again {
            Some(wait) => marks::again(&database, &mark, wait.as_secs_f64()).await?,
            None => marks::done(&database, &mark).await?,
        }
        Ok(again)
    };
    fetched.await.map_err(|error| (mark.id.clone(), error))
}

/// How long no answer can be newer than the delivery, where an answer is as old as it says itself.
fn in_vain(users: &Users, mark: &Mark) -> Option<Duration> {
    if mark.attempts > 1 || users.is_versioned(&mark.source) {
        return None;
    }
    let second = Timestamp::from_second(mark.version_at?.as_second()).ok()?;
    let wait = BEHIND - Timestamp::now().duration_since(second);
    let wait = Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())?;
    // By another clock than ours it may be due long ago.
    Some(wait.min(BEHIND.unsigned_abs()))
}

/// Asks for the user; how long its mark is kept, because the answer is not newer than the delivery. A user that no provider
/// shows may be too new for the API, and is left to its own delivery in the end.
async fn asked(users: &Users, mark: &Mark) -> Result<Option<Duration>, Error> {
    let source = Some(mark.source.as_str()).filter(|source| !source.is_empty());
    match users.fetch(source, &mark.id).await? {
        Fetched::Written => Ok(None),
        Fetched::Older(wait) => Ok(Some(pause(wait, mark.attempts))),
        Fetched::Missing if mark.attempts >= MISSING_ATTEMPTS => Ok(None),
        Fetched::Missing => {
            let row = users.row(&mark.id).await?;
            let is_deleted = row.is_some_and(|row| row.deleted_at.is_some());
            Ok((!is_deleted).then(|| pause(Duration::ZERO, mark.attempts)))
        }
    }
}

/// As long as an answer needs, and twice as long after every attempt.
fn pause(wait: Duration, attempts: i32) -> Duration {
    let doubled = 1 << attempts.clamp(1, 6).abs_diff(1);
    wait.max(Duration::from_secs(doubled)).min(LONGEST_PAUSE)
}
