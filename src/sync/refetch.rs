//! Fetches marked entities from the provider soon after their deliveries, once for a burst.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::users::{Error, Fetched, Users};
use crate::db::marks::{self, Mark};
use crate::law::SETTLING;
use crate::model::{Key, Kind};

/// Entities that are marked within this time are fetched together.
const GATHER: Duration = Duration::from_millis(250);
/// Marks of other replicas, of applications and from before a crash are found within this time.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// After this time, another process may take the mark.
const TERM: Duration = Duration::from_secs(60);
/// The number of marks to take at once: those of one organization are served together.
const TAKEN: i64 = 32;
/// The number of concurrent fetches.
const ABREAST: usize = 8;
/// A fence is in whole seconds, and lies up to two of them in the past; a little more for the way.
const BEHIND: SignedDuration = SignedDuration::from_millis(2050);
/// The longest pause between two requests for a mark.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The number of requests for an entity that no provider shows: with the pauses, about a minute.
const MISSING_ATTEMPTS: i32 = 7;

/// Fetches marked entities; never returns.
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
                tracing::warn!(error, "marked entities could not be fetched");
            }
        }
    }
}

/// Fetches every due mark, and returns how soon one of them is due again; a failed one is due again later.
pub async fn fetch_due(users: &Users) -> Result<Option<Duration>, Error> {
    let mut sources = users.sources();
    sources.push("");
    let mut next: Option<Duration> = None;
    loop {
        let database = users.tables().pool().get().await?;
        let taken = marks::take(&database, TAKEN, TERM.as_secs_f64(), &sources).await?;
        drop(database);
        if taken.is_empty() {
            return Ok(next);
        }
        let (mut fetches, seats) = (JoinSet::new(), Arc::new(Semaphore::new(ABREAST)));
        for due in together(users, taken) {
            let (users, seats) = (users.clone(), seats.clone());
            fetches.spawn(async move {
                let _seat = seats.acquire_owned().await;
                fetch(users, due).await
            });
        }
        while let Some(fetched) = fetches.join_next().await {
            match fetched {
                Ok(Ok(again)) => next = next.into_iter().chain(again).min(),
                Ok(Err((Key { kind, id }, error))) => {
                    let error = crate::error_chain(&error);
                    tracing::warn!(
                        %kind,
                        id,
                        error,
                        "an entity could not be fetched; it is tried again"
                    );
                }
                Err(_) => {}
            }
        }
    }
}

/// The target of a fetch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    One(Key),
    /// An organization with what belongs to it.
    Organization(String),
    /// All entities of a kind.
    All(Kind),
}

/// Marks that one fetch serves; at least one.
struct Due {
    source: String,
    target: Target,
    marks: Vec<Mark>,
}

fn together(users: &Users, marks: Vec<Mark>) -> Vec<Due> {
    let mut due: BTreeMap<(String, Target), Vec<Mark>> = BTreeMap::new();
    for mark in marks {
        due.entry((mark.source.clone(), target(users, &mark))).or_default().push(mark);
    }
    let due = due.into_iter();
    due.map(|((source, target), marks)| Due { source, target, marks }).collect()
}

/// Members and grants are fetched with their organization, if the API lists them for one organization. A mark without
/// a source covers only its own entity.
fn target(users: &Users, Mark { source, key, .. }: &Mark) -> Target {
    let Some(client) = users.client_of(source) else {
        return Target::One(key.clone());
    };
    if key.id.is_empty() || key.kind == Kind::Role {
        return Target::All(key.kind);
    }
    let has_lists = !client.api().kinds_of_organizations().is_empty();
    match (client.provider().belongs_to)(key).filter(|_| has_lists) {
        Some(organization) => Target::Organization(organization),
        None => Target::One(key.clone()),
    }
}

impl Due {
    /// The number of requests so far, including this one.
    fn attempts(&self) -> i32 {
        self.marks.iter().map(|mark| mark.attempts).max().unwrap_or_default()
    }

    /// When the newest delivery was made. Nothing is fetched after a user's deletion.
    fn heard(&self) -> Option<Timestamp> {
        let of = |mark: &Mark| match self.target {
            Target::One(_) => mark.version_at,
            Target::Organization(_) | Target::All(_) => mark.version_at.max(mark.last_deleted_at),
        };
        self.marks.iter().filter_map(of).max()
    }

    /// How long to wait until an answer can be newer than the delivery, if answers carry their own time.
    fn in_vain(&self, users: &Users) -> Option<Duration> {
        if self.attempts() > 1 || users.is_versioned(&self.source) {
            return None;
        }
        let second = Timestamp::from_second(self.heard()?.as_second()).ok()?;
        let wait = BEHIND - Timestamp::now().duration_since(second);
        let wait = Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())?;
        // The delivery may carry the time of another clock, so the wait has a limit.
        Some(wait.min(BEHIND.unsigned_abs()))
    }

    /// Fetches, and returns how long to keep the marks if the answer is older than the deliveries. An entity that no provider
    /// shows may be too new for the API; after the last attempt only its own delivery brings it.
    async fn asked(&self, users: &Users) -> Result<Option<Duration>, Error> {
        let (source, attempts) = (self.source.as_str(), self.attempts());
        let fetched = match &self.target {
            Target::One(key) => {
                users.fetch(Some(source).filter(|source| !source.is_empty()), key).await?
            }
            Target::Organization(id) => users.fetch_organization(source, id, self.heard()).await?,
            Target::All(kind) => {
                let marked: Vec<_> = self.marks.iter().map(|mark| mark.key.clone()).collect();
                users.fetch_all(source, *kind, &marked).await?
            }
        };
        Ok(match fetched {
            // An event without an entity has no version to compare with, so a second, later answer is fetched.
            Fetched::Written if attempts <= 1 && self.marks.iter().any(is_of_all) => {
                Some(SETTLING.unsigned_abs())
            }
            Fetched::Written => None,
            Fetched::Older(wait) => Some(pause(wait, attempts)),
            Fetched::Missing if attempts >= MISSING_ATTEMPTS => None,
            Fetched::Missing => {
                let are_deleted = self.marks.iter().all(|mark| mark.is_deleted);
                (!are_deleted).then(|| pause(Duration::ZERO, attempts))
            }
        })
    }
}

fn is_of_all(mark: &Mark) -> bool {
    mark.key.id.is_empty()
}

/// Fetches the target of some marks, and removes or keeps them; returns the time until they are due again, if they stay.
async fn fetch(users: Users, due: Due) -> Result<Option<Duration>, (Key, Error)> {
    let fetched = async {
        let again = match due.in_vain(&users) {
            Some(wait) => Some(wait),
            None => due.asked(&users).await?,
        };
        let database = users.tables().pool().get().await?;
        // After the commit: after a crash in between, the target is fetched once more.
        for mark in &due.marks {
            match again {
                Some(wait) => marks::again(&database, mark, wait.as_secs_f64()).await?,
                None => marks::done(&database, mark).await?,
            }
        }
        Ok(again)
    };
    let fetched: Result<_, Error> = fetched.await;
    let first = || due.marks.first().map_or_else(|| Key::user(""), |mark| mark.key.clone());
    fetched.map_err(|error| (first(), error))
}

/// The pause before the next attempt, which doubles after every attempt.
fn pause(wait: Duration, attempts: i32) -> Duration {
    let doubled = 1 << attempts.clamp(1, 6).abs_diff(1);
    wait.max(Duration::from_secs(doubled)).min(LONGEST_PAUSE)
}
