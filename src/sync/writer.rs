//! The writer: batches that form by themselves while earlier ones commit.

use std::time::{Duration, Instant};

use tracing::Instrument;

use super::fold::fold;
use super::queue::{Job, Queue};
use super::{Tables, Unavailable};
use crate::db::session::{ApplyError, Session};
use crate::model::Outcome;
use crate::traces;
use crate::webhook::Verdict;

/// One of several, with a connection of its own.
pub(super) struct Writer {
    session: Session,
    tables: Tables,
}

impl Writer {
    pub(super) fn new(tables: &Tables, time_out: Duration) -> Self {
        Self { session: tables.session(time_out), tables: tables.clone() }
    }

    /// Writes batches until the queue is closed and empty.
    pub(super) async fn run(mut self, queue: &Queue) {
        while let Some(mut batch) = queue.next().await {
            let mut jobs = std::mem::take(&mut batch.jobs);
            // Who stopped waiting was answered 503, and will send it again.
            jobs.retain(|job| !job.answer.is_closed());
            self.write(jobs).await;
        }
    }

    /// Where Postgres refuses a value, the batch is halved until the delivery at fault stands alone.
    async fn write(&mut self, jobs: Vec<Job>) {
        let mut parts = vec![jobs];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.apply(&part).await {
                Ok(outcomes) => answer(part, outcomes),
                Err(ApplyError::Refused { .. }) if part.len() > 1 => {
                    let half = part.split_off(part.len() / 2);
                    parts.extend([half, part]);
                }
                Err(ApplyError::Refused { code, constraint })
                    if quarantine(&mut part[0], &code, &constraint) =>
                {
                    parts.push(part);
                }
                Err(error) => {
                    parts.push(part);
                    return fail(parts, error);
                }
            }
        }
    }

    async fn apply(&mut self, jobs: &[Job]) -> Result<Vec<Outcome>, ApplyError> {
        let began = Instant::now();
        let keep_bodies = self.tables.options.keep_bodies;
        let mut batch = fold(jobs.iter().map(|job| &job.decoded), keep_bodies);
        batch.mark(|source| self.tables.options.refetch.contains(source));
        let span = traces::committing(jobs.iter().map(|job| &job.span));
        let applied = self.session.apply(&batch.entities, &batch.entries);
        let applied =
            applied.instrument(span.clone()).await.inspect_err(|_| traces::failed(&span))?;
        self.tables.options.metrics.committed(jobs.len(), began.elapsed());
        self.tables.commits.announce(&batch.entities);
        Ok(batch.outcomes(&applied.outcomes))
    }
}

/// False where even the bare record of the delivery was refused.
fn quarantine(job: &mut Job, code: &str, constraint: &str) -> bool {
    let reason = format!("Postgres refuses a value of it (SQLSTATE {code}{constraint})");
    let refused = std::mem::replace(&mut job.decoded.verdict, Verdict::Quarantined(reason));
    !matches!(refused, Verdict::Quarantined(_))
}

fn answer(jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        // Nobody may be waiting any more: the outcome is committed all the same.
        let _ = job.answer.send(Ok(outcome));
    }
}

fn fail(parts: Vec<Vec<Job>>, error: ApplyError) {
    let deliveries = parts.iter().map(Vec::len).sum::<usize>();
    let chain = crate::error_chain(&error);
    tracing::error!(deliveries, error = chain, "a batch was not written; its senders will retry");
    for job in parts.into_iter().flatten() {
        let _ = job.answer.send(Err(Unavailable::Database));
    }
}
