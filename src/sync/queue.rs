//! The deliveries that wait to be written, and when a writer may take them.
//!
//! A commit costs a flush of the disk, which concurrent batches share, and Postgres's time for a statement, which
//! the deliveries of a batch share. So an idle writer takes whatever waits at once, but the more batches are in
//! flight, the more deliveries must wait before the next batch begins. An idle service then answers at the speed of
//! one commit, a slow disk has several batches to work on, and under load batches grow instead of splitting. The
//! size that is worth a batch depends on how many senders wait for answers: with sixteen senders, eight deliveries
//! in one batch and eight in the next keep Postgres and the service busy at the same time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{Notify, OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::{QueueStatus, Unavailable};
use crate::model::{Change, Outcome};
use crate::webhook::Decoded;

/// The greatest number of deliveries in one batch.
const BATCH: usize = 256;

/// For each batch in flight, at most this many deliveries must wait before another batch begins.
const WORTH_A_BATCH: usize = 16;

/// A delivery that waits for its outcome.
pub(super) struct Job {
    pub(super) decoded: Decoded,
    pub(super) answer: oneshot::Sender<Result<Outcome, Unavailable>>,
    /// The span of the wait.
    pub(super) span: Span,
    /// Its share of the memory that the queue may use.
    pub(super) _bytes: OwnedSemaphorePermit,
}

impl Job {
    /// The source and the changes of the delivery.
    pub(super) fn content(&self) -> (&Arc<str>, &[Change]) {
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
    /// The recent peak of deliveries here at once, waiting or being written.
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

    /// Returns false if the queue is full or closed: then the job gets no answer.
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

    /// The next batch, as soon as one is worth its commit; `None` if the queue is closed and empty.
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

    /// Accepts no more deliveries; those that wait are still handed out.
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
        // The peak decays within some batches after the senders are gone.
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
