//! Places for connections. When all are taken, one that waits for its client makes room for the next: the one that has gone
//! longest without a request that was signed or authorized. So strangers who keep sending requests keep no sender out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Extensions;
use tokio::sync::Notify;

use super::strangers::{LeftOut, Lines};

/// The wait while no connection can be asked to leave.
const AGAIN: Duration = Duration::from_millis(50);

/// One seat for each connection that the limit allows.
pub(super) struct Seats {
    capacity: usize,
    /// For so long after it came, or was trusted, no connection has to make room.
    patience: Duration,
    /// Lines about connections that made room.
    lines: Lines,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
}

/// One connection: whether it waits for its client, and when it last did something that only a friend can.
pub(super) struct Seat {
    epoch: Instant,
    /// Microseconds after the epoch, and one; 0 while we work on a request.
    waits_since: AtomicU64,
    /// Microseconds after the epoch.
    trusted_at: AtomicU64,
    leave: Notify,
}

/// The place of a connection, free again when this is dropped.
pub(super) struct Place {
    seats: Arc<Seats>,
    number: u64,
    pub(super) seat: Arc<Seat>,
}

impl Seats {
    pub(super) fn new(capacity: usize, patience: Duration) -> Arc<Self> {
        let (lines, taken) = (Lines::new(), Mutex::default());
        Arc::new(Self { capacity, patience, lines, taken, freed: Notify::new() })
    }

    /// A place, as soon as there is one; called by one task only.
    pub(super) async fn take(self: &Arc<Self>) -> Place {
        loop {
            let wait = match self.room() {
                Ok(()) => return self.add(),
                Err(wait) => wait,
            };
            let _or_none_left = tokio::time::timeout(wait, self.freed.notified()).await;
        }
    }

    /// A place above the limit.
    pub(super) fn add(self: &Arc<Self>) -> Place {
        let seat = Arc::new(Seat {
            epoch: Instant::now(),
            waits_since: AtomicU64::new(0),
            trusted_at: AtomicU64::new(0),
            leave: Notify::new(),
        });
        seat.waits();
        let mut taken = self.taken();
        taken.next += 1;
        let number = taken.next;
        taken.seats.insert(number, seat.clone());
        Place { seats: self.clone(), number, seat }
    }

    /// Whether there is room; else a connection is asked to leave, and the error is how long to wait before the next attempt.
    fn room(&self) -> Result<(), Duration> {
        let taken = self.taken();
        if taken.seats.len() < self.capacity {
            return Ok(());
        }
        let waits = taken.seats.values().filter(|seat| seat.waited().is_some());
        match waits.map(|seat| (seat.untrusted_for(), seat)).max_by_key(|(age, _)| *age) {
            Some((age, seat)) if age >= self.patience => {
                // It is asked once.
                seat.works();
                seat.leave.notify_one();
                if let Some(LeftOut(left_out)) = self.lines.next() {
                    let connections = self.capacity;
                    tracing::warn!(
                        connections,
                        left_out,
                        "all connections are taken: one makes room"
                    );
                }
                Err(self.patience)
            }
            Some((age, _)) => Err(self.patience.saturating_sub(age).min(AGAIN)),
            None => Err(AGAIN),
        }
    }

    /// Asks every connection to leave that kept us waiting for so long.
    pub(super) fn dismiss(&self, patience: Duration) {
        let taken = self.taken();
        let waits = |seat: &&Arc<Seat>| seat.waited().is_some_and(|waited| waited >= patience);
        taken.seats.values().filter(waits).for_each(|seat| seat.leave.notify_one());
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// From now on the client has to do something.
    pub(super) fn waits(&self) {
        self.waits_since.store(self.now() + 1, Ordering::Relaxed);
    }

    /// It has signed a delivery, or shown the token.
    pub(super) fn is_trusted(&self) {
        self.trusted_at.store(self.now(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX - 1)
    }

    fn untrusted_for(&self) -> Duration {
        let trusted_at = Duration::from_micros(self.trusted_at.load(Ordering::Relaxed));
        self.epoch.elapsed().saturating_sub(trusted_at)
    }

    /// From now on we have to do something.
    pub(super) fn works(&self) {
        self.waits_since.store(0, Ordering::Relaxed);
    }

    fn waited(&self) -> Option<Duration> {
        let since = self.waits_since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.epoch.elapsed().saturating_sub(Duration::from_micros(since)))
    }

    /// Returns when the place is needed for another connection.
    pub(super) async fn is_needed(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
        self.seats.freed.notify_one();
    }
}

/// A trusted request makes its connection trusted.
pub(super) fn trust(extensions: &Extensions) {
    if let Some(seat) = extensions.get::<Arc<Seat>>() {
        seat.is_trusted();
    }
}
