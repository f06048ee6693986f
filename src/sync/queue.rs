//! What waits to be written, and when a writer may take it.
//!
//! A commit costs a flush of the disk, which batches in flight share, and Postgres's time for a statement, which the
//! deliveries of a batch share. So a writer that is idle takes whatever is there at once, but the more batches are in flight
//! already, the more must be waiting: an idle service answers at the speed of one commit, a slow disk is kept busy with
//! several batches, and under load they grow instead of splitting.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::{QueueStatus, Unavailable};
use crate::model::Outcome;
use crate::webhook::Decoded;

/// Most deliveries in one batch.
const BATCH: usize = 256;

/// Deliveries that must wait for each batch that is in flight before another one is begun.
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

pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    in_flight: usize,
    closed: bool,
}

/// Deliveries that one writer holds; the next batch may begin when this is dropped.
pub(super) struct Batch<'a> {
    pub(super) jobs: Vec<Job>,
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
                    let count = state.waiting.len().min(BATCH);
                    let jobs = state.waiting.drain(..count).collect();
                    state.in_flight += 1;
                    if state.is_worth_a_batch() {
                        self.changed.notify_one();
                    }
                    return Some(Batch { jobs, queue: self });
                }
                if state.closed && state.waiting.is_empty() {
                    return None;
                }
            }
            changed.await;
        }
    }

    pub(super) fn status(&self) -> QueueStatus {
        QueueStatus { waiting: self.state().waiting.len(), capacity: self.capacity }
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
    fn is_worth_a_batch(&self) -> bool {
        let enough = (self.in_flight * WORTH_A_BATCH).max(1);
        self.waiting.len() >= enough || (self.closed && !self.waiting.is_empty())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.queue.state().in_flight -= 1;
        self.queue.changed.notify_one();
    }
}
