//! What waits to be written, and when a writer may take it.
//!
//! A commit costs a flush of the disk, which batches in flight share, and Postgres's time for a statement, which the
//! deliveries of a batch share. So a writer that is idle takes whatever is there at once, but the more batches are in flight
//! already, the more must be waiting: an idle service answers at the speed of one commit, a slow disk is kept busy with
//! several batches, and under load they grow instead of splitting. How many are worth a batch depends on how many senders
//! wait for answers: of sixteen, eight in one batch and eight in the next keep Postgres and the service busy at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::{QueueStatus, Unavailable};
use crate::model::{Change, Outcome};
use crate::webhook::Decoded;

/// Most deliveries in one batch.
const BATCH: usize = 256;

/// Most deliveries that must wait for each batch that is in flight before another one is begun.
const WORTH_A_BATCH: usize = 16;

/// A delivery that waits for its outcome.
pub(super) struct Job {
    pub(super) decoded: Decoded,
    pub(super) answer: oneshot::Sender<Result<Outcome, Unavailable>>,
    /// In which it waits.
    pub(super) span: Span,
    /// Its share of the memory that the queue may use.
    pub(super) _bytes: OwnedSemaphorePermit,
}

impl Job {
    /// Who says what.
    pub(super) fn says(&self) -> (&Arc<str>, &[Change]) {
        (&self.decoded.source, self.decoded.verdict.changes())
    }
}

pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    /// Batches that are being written, and the deliveries in them.
    in_flight: usize,
    being_written: usize,
    /// The most deliveries that were here at once lately, waiting or being written.
    crowd: usize,
    closed: bool,
}

/// Deliveries that one writer holds; the next batch may begin when this is dropped.
pub(super) struct Batch<'a> {
    pub(super) jobs: Vec<Job>,
    size: usize,
    queue: &'a Queue,
}

impl Queue {
    /// `capacity`: deliveries that may wait.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), changed: Notify::new() }
    }

    /// False where the queue is full or closed: then nobody will answer the job.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut state = self.state();
        if state.closed || state.waiting.len() >= self.capacity {
            return false;
        }
        state.waiting.push_back(job);
        if state.is_worth_a_batch() {
            self.changed.notify_one();
        }
        true
    }

    /// The next batch, when there is one worth its commit; `None` when the queue is closed and empty.
    pub(super) async fn next(&self) -> Option<Batch<'_>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.state();
                if state.is_worth_a_batch() {
                    let jobs = state.take();
                    if state.is_worth_a_batch() {
                        self.changed.notify_one();
                    }
                    return Some(Batch { size: jobs.len(), jobs, queue: self });
                }
                if state.closed && state.waiting.is_empty() {
                    return None;
                }
            }
            changed.await;
        }
    }

    pub(super) fn status(&self) -> QueueStatus {
        QueueStatus { waiting: self.state().waiting.len(), capacity: self.capacity, held: 0 }
    }

    /// Nothing more comes; what waits is still handed out.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the queue")
    }
}

impl State {
    fn take(&mut self) -> Vec<Job> {
        let here = self.waiting.len() + self.being_written;
        // It forgets a crowd that has gone within some batches.
        self.crowd = here.max(self.crowd - self.crowd.div_ceil(8));
        let size = self.waiting.len().min(BATCH);
        self.in_flight += 1;
        self.being_written += size;
        self.waiting.drain(..size).collect()
    }

    fn is_worth_a_batch(&self) -> bool {
        let worth = (self.crowd / 2).min(WORTH_A_BATCH);
        let enough = (self.in_flight * worth).max(1);
        self.waiting.len() >= enough || (self.closed && !self.waiting.is_empty())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.in_flight -= 1;
        state.being_written -= self.size;
        if state.is_worth_a_batch() {
            self.queue.changed.notify_one();
        }
    }
}
