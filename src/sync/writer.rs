//! The writer: while earlier batches commit, waiting deliveries form the next batch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument;

use super::batch::Batch;
use super::lanes::Lanes;
use super::queue::{Job, Queue};
use super::report::report;
use super::{Tables, Unavailable};
use crate::db::apply::Judgement;
use crate::db::fault::{Fault, Refusal};
use crate::db::session::{ApplyError, Session};
use crate::db::writable;
use crate::law::one_owner_each;
use crate::traces;
use crate::webhook::{Decoded, Verdict};

/// If the server refuses this many deliveries alone while none of their batch commits, no delivery is at fault.
const ENOUGH: usize = 3;
/// If this many waits for a lock fail while none of the batch commits, a whole table is locked. It is more than
/// halving the largest batch needs to find the first held row.
const LOCKED: usize = 64;
/// How long the parts of a batch wait for a lock after the whole batch waited in vain: only long enough to find the
/// delivery that waits.
const SEARCH: Duration = Duration::from_millis(5);
/// How long the parts of a batch may take after the whole took too long, so that the other deliveries are not late:
/// the one at fault gets its time in its lane.
const HURRY: Duration = Duration::from_millis(200);
/// After an unsuccessful trial of lanes: a conflict may fail at once, and an immediate retry would fail too.
const PAUSE: Duration = Duration::from_millis(20);

/// One of several writers, each with its own connection.
pub(super) struct Writer {
    session: Session,
    tables: Tables,
    lanes: Arc<Lanes>,
    /// How long the server may wait for another transaction's lock.
    lock_wait: Duration,
    /// How long a statement may take.
    commit: Duration,
    /// Whether it tries the lanes, in which each delivery is about one key.
    in_lane: bool,
}

/// The results so far of the parts of one batch.
#[derive(Default)]
struct Tally {
    committed: bool,
    /// Deliveries that the server refused alone.
    refused: usize,
    /// Waits for a lock that failed.
    held: usize,
    /// Statements that took too long.
    slow: usize,
}

impl Writer {
    pub(super) fn new(tables: &Tables, lanes: Arc<Lanes>, limits: &super::Limits) -> Self {
        let session = tables.session(limits.commit);
        let (tables, lock_wait, commit) = (tables.clone(), limits.lock, limits.commit);
        Self { session, tables, lanes, lock_wait, commit, in_lane: false }
    }

    /// Writes batches until the queue is closed and empty.
    pub(super) async fn run(mut self, queue: &Queue) {
        while let Some(mut batch) = queue.next().await {
            let jobs = self.lanes.pass(std::mem::take(&mut batch.jobs));
            self.write(jobs).await;
        }
    }

    /// Tries the lanes in turn until they are closed and empty.
    pub(super) async fn run_lanes(mut self) {
        self.in_lane = true;
        let lanes = self.lanes.clone();
        while let Some(mut trial) = lanes.next().await {
            self.lock_wait = trial.wait;
            let jobs = std::mem::take(&mut trial.jobs);
            let is_free = self.write(jobs).await;
            let pause = if is_free { Duration::ZERO } else { PAUSE.min(trial.wait) };
            lanes.end(trial, is_free);
            tokio::time::sleep(pause).await;
        }
    }

    /// Writes all deliveries, whatever one of them causes: if a statement fails, its batch is halved until the
    /// delivery at fault is alone. Returns false if rows may still be held, or take too long.
    async fn write(&mut self, jobs: Vec<Job>) -> bool {
        let mut parts = vec![jobs];
        let mut tally = Tally::default();
        while let Some(mut part) = parts.pop() {
            // A sender that stopped waiting got a 503, and sends the delivery again.
            part.retain(|job| !job.answer.is_closed());
            if part.is_empty() {
                continue;
            }
            let (mut part, later) = one_owner_each(part, Job::content);
            parts.push(later);
            match self.apply(&part, &tally).await {
                Ok(judgements) => {
                    tally.committed = true;
                    parts.push(self.settle(part, judgements));
                }
                Err(ApplyError::Refused(refusal)) => {
                    if self.is_hopeless(&mut tally, &refusal, part.len()) {
                        parts.push(part);
                        self.give_up(parts, &refusal);
                        return false;
                    }
                    if part.len() > 1 {
                        let half = part.split_off(part.len() / 2);
                        parts.extend([half, part]);
                    } else {
                        let judged = self.judge(part, &refusal, &mut tally).await;
                        parts.push(judged);
                    }
                }
                Err(error) => {
                    parts.push(part);
                    self.fail(parts, &error);
                    return false;
                }
            }
        }
        tally.slow == 0
    }

    /// Whether no delivery of the batch is at fault.
    fn is_hopeless(&self, tally: &mut Tally, refusal: &Refusal, deliveries: usize) -> bool {
        match refusal.fault {
            Fault::Held => {
                tally.held += 1;
                self.in_lane || (!tally.committed && tally.held >= LOCKED)
            }
            Fault::Slow => {
                tally.slow += 1;
                // Each lane must get its own time.
                self.in_lane && deliveries > 1
            }
            Fault::Server | Fault::Unclear => !tally.committed && tally.refused >= ENOUGH,
            Fault::Value | Fault::Listeners => false,
        }
    }

    async fn apply(&mut self, jobs: &[Job], tally: &Tally) -> Result<Vec<Judgement>, ApplyError> {
        let lock_wait = if tally.held > 0 { SEARCH } else { self.lock_wait };
        self.session.allow(if tally.slow > 0 { HURRY } else { self.commit });
        let began = Instant::now();
        let keep_bodies = self.tables.options.keep_bodies;
        let mut batch = Batch::of(jobs.iter().map(|job| &job.decoded), keep_bodies);
        batch.mark(|claim| self.tables.options.refetch.contains(claim.source));
        let span = traces::committing(jobs.iter().map(|job| &job.span));
        let applied = self.session.apply(&batch.claims, &batch.entries, lock_wait);
        let applied = applied.instrument(span.clone()).await;
        let applied = applied.inspect_err(|_| traces::failed(&span))?;
        self.tables.commits.succeeded();
        self.tables.options.metrics.committed(jobs.len(), began.elapsed());
        self.tables.commits.announce(&batch.claims);
        Ok(batch.judgements(&applied.judgements))
    }

    /// Answers the deliveries that are journaled, and returns those that must be applied again.
    fn settle(&self, jobs: Vec<Job>, judgements: Vec<Judgement>) -> Vec<Job> {
        let mut again = Vec::new();
        for (mut job, judgement) in jobs.into_iter().zip(judgements) {
            match judgement {
                Judgement::Journaled(outcome) => {
                    report(&job.decoded, outcome, &self.tables.options.metrics);
                    // The sender may be gone: the outcome is committed anyway.
                    let _ = job.answer.send(Ok(outcome));
                }
                Judgement::Foreign(owner) => {
                    self.tables.options.metrics.foreign(&job.decoded.source);
                    job.decoded.verdict = Verdict::Quarantined(foreign(&job.decoded, &owner));
                    again.push(job);
                }
                Judgement::Unknown => self.refuse(vec![job], &Newer),
            }
        }
        again
    }

    /// Decides about a delivery that fails alone: quarantined if it is at fault, held if another transaction is,
    /// refused if the server is. If it must be retried, answers it with that error.
    async fn judge(&self, alone: Vec<Job>, refusal: &Refusal, tally: &mut Tally) -> Vec<Job> {
        match refusal.fault {
            Fault::Held => {
                alone.into_iter().for_each(|job| self.lanes.hold(job));
                return Vec::new();
            }
            Fault::Value | Fault::Listeners => return self.quarantine(alone, refusal),
            Fault::Unclear if self.may_write().await => return self.quarantine(alone, refusal),
            Fault::Slow if !self.in_lane => {
                alone.into_iter().for_each(|job| self.lanes.hold(job));
                return Vec::new();
            }
            Fault::Unclear | Fault::Server | Fault::Slow => {}
        }
        tally.refused += 1;
        self.refuse(alone, refusal);
        Vec::new()
    }

    /// Whether nothing of ours is missing, so that an unclear refusal comes from a trigger.
    async fn may_write(&self) -> bool {
        let Ok(client) = self.tables.pool().get().await else { return false };
        matches!(writable::obstacle(&**client).await, Ok(None))
    }

    /// Returns the deliveries to journal as quarantined; if even that was refused, leaves them to their senders'
    /// retries.
    fn quarantine(&self, mut jobs: Vec<Job>, refusal: &Refusal) -> Vec<Job> {
        let Refusal { code, constraint, .. } = refusal;
        let is_quarantined = |job: &Job| matches!(job.decoded.verdict, Verdict::Quarantined(_));
        if jobs.iter().any(is_quarantined) {
            self.refuse(jobs, refusal);
            return Vec::new();
        }
        for job in &mut jobs {
            let reason = format!("Postgres refuses a value of it (SQLSTATE {code}{constraint})");
            job.decoded.verdict = Verdict::Quarantined(reason);
        }
        jobs
    }

    /// Ends a batch in which no delivery is at fault: a table is locked, or the server refuses everything.
    fn give_up(&self, parts: Vec<Vec<Job>>, refusal: &Refusal) {
        let jobs = parts.into_iter().flatten();
        if matches!(refusal.fault, Fault::Held | Fault::Slow) {
            jobs.for_each(|job| self.lanes.hold(job));
        } else {
            self.refuse(jobs.collect(), refusal);
        }
    }

    fn fail(&self, parts: Vec<Vec<Job>>, error: &ApplyError) {
        self.refuse(parts.into_iter().flatten().collect(), error);
    }

    /// Nothing of these is written: their senders try again.
    fn refuse(&self, jobs: Vec<Job>, error: &(dyn std::error::Error + 'static)) {
        self.tables.commits.failed();
        let (deliveries, error) = (jobs.len(), crate::error_chain(error));
        tracing::error!(deliveries, error, "a batch was not written; its senders will retry");
        for job in jobs {
            let _ = job.answer.send(Err(Unavailable::Database));
        }
    }
}

/// The delivery may be committed, but only an instance that knows the word can say with which outcome; the sender
/// must retry.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database has the function of a newer users-sync, whose answer this one does not know: upgrade it"
)]
struct Newer;

/// Why a source may not change another one's entity; names both.
fn foreign(decoded: &Decoded, owner: &str) -> String {
    let what = match decoded.verdict.changes() {
        [change] => format!("the {}", change.key().kind),
        _ => "an entity of it".to_owned(),
    };
    format!("{what} belongs to the source {owner}, and {} may not change it", decoded.source)
}
