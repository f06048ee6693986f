//! The limits of what all strangers together can use.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Mutex, Semaphore};

use super::Limits;
use super::problem::Problem;
use crate::metrics::Stored;

pub struct Strangers {
    /// Bytes of bodies that are being read.
    pub(super) bodies: Arc<Semaphore>,
    pub(super) wrong_tokens: WrongTokens,
    /// The database, for `/metrics`.
    pub(super) look: Look<Stored>,
    /// The obstacle to writing deliveries, for `/readyz`.
    pub(super) readiness: Look<Option<String>>,
    /// Lines about requests that are refused for their signature.
    pub(super) rejections: Lines,
    /// Log lines about signed requests without a matching route.
    pub(super) unrouted: Lines,
}

impl Strangers {
    pub fn new(limits: &Limits) -> Self {
        Self {
            bodies: Arc::new(Semaphore::new(limits.bodies)),
            wrong_tokens: WrongTokens(limiter(20, Duration::from_secs(6))),
            look: Look::default(),
            readiness: Look::default(),
            rejections: Lines::new(),
            unrouted: Lines::new(),
        }
    }
}

/// `burst` at once, then one each time that `period` has passed.
fn limiter(burst: u32, period: Duration) -> DefaultDirectRateLimiter {
    let burst = NonZeroU32::new(burst).expect("more than none");
    let quota = Quota::with_period(period).expect("more than nothing").allow_burst(burst);
    RateLimiter::direct(quota)
}

/// Counts the wrong tokens of all clients together, because behind a proxy all look alike. The right token is never limited.
pub(super) struct WrongTokens(DefaultDirectRateLimiter);

impl WrongTokens {
    /// Logs a wrong token that was given for `place`; `Err` if there were too many.
    pub(super) fn count(&self, place: &'static str) -> Result<(), Problem> {
        match self.0.check() {
            Ok(()) => {
                tracing::warn!(place, "a request had a wrong token");
                Ok(())
            }
            Err(too_early) => {
                let wait = too_early.wait_time_from(DefaultClock::default().now());
                Err(Problem::TooManyWrongTokens(wait.as_secs() + 1))
            }
        }
    }
}

/// Shares one check among all waiting requests, so that many requests cost no more than one.
pub(super) struct Look<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Look<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Look<T> {
    /// The result of a check that began after this call.
    pub(super) async fn at<F>(&self, look: impl FnOnce() -> F) -> Option<Arc<T>>
    where
        F: Future<Output = Option<T>>,
    {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, found)) = last.as_ref().filter(|(begun, _)| *begun >= asked) {
            return Some(found.clone());
        }
        let begun = Instant::now();
        let found = Arc::new(look().await?);
        *last = Some((begun, found.clone()));
        Some(found)
    }
}

/// Lines of the log that a stranger can cause: a flood of them must not fill the disk.
pub(super) struct Lines {
    limiter: DefaultDirectRateLimiter,
    left_out: AtomicU64,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { limiter: limiter(50, Duration::from_secs(10)), left_out: AtomicU64::new(0) }
    }

    /// Whether to write one, and how many were left out before it.
    pub(super) fn next(&self) -> Option<LeftOut> {
        if self.limiter.check().is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        Some(LeftOut((left_out > 0).then_some(left_out)))
    }
}

/// The number for a field of the line; absent if no line was left out.
pub(super) struct LeftOut(pub(super) Option<u64>);
