//! What came of one target.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::time::{ClockId, clock_gettime};

/// Of the processor's time: a machine that is busy with other things makes no request slow.
const LONGEST: i64 = 10_000_000;

pub(crate) struct Report {
    name: String,
    pub(crate) requests: u64,
    accepted: u64,
    /// In nanoseconds.
    slowest: i64,
    panics: u64,
    slow: u64,
    wrong: u64,
}

/// A verdict about one request.
pub(crate) enum Verdict {
    Refused,
    Accepted,
    /// Without the key.
    WronglyAccepted,
}

impl Report {
    pub(crate) fn new(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, requests: 0, accepted: 0, slowest: 0, panics: 0, slow: 0, wrong: 0 }
    }

    /// Runs one request, and looks at how it ends and at how long it takes.
    pub(crate) fn look(&mut self, run: impl FnOnce() -> Verdict) {
        self.requests += 1;
        let began = now();
        let verdict = catch_unwind(AssertUnwindSafe(run));
        let took = now() - began;
        self.slowest = self.slowest.max(took);
        if took > LONGEST {
            self.slow += 1;
            self.complain("took longer than 10 ms");
        }
        match verdict {
            Ok(Verdict::Refused) => {}
            Ok(Verdict::Accepted) => self.accepted += 1,
            Ok(Verdict::WronglyAccepted) => {
                self.wrong += 1;
                self.complain("is accepted without the key");
            }
            Err(_) => {
                self.panics += 1;
                self.complain("panics");
            }
        }
    }

    fn complain(&self, what: &str) {
        eprintln!("{}: request {} {what}", self.name, self.requests);
    }

    pub(crate) fn failures(&self) -> u64 {
        self.panics + self.slow + self.wrong
    }

    pub(crate) fn print(&self) {
        let Self { name, requests, accepted, slowest, .. } = self;
        let (slowest, failures) = (slowest / 1_000, self.failures());
        println!("{name:<34} {requests:>10} {accepted:>10} {slowest:>9} µs  {failures}");
    }
}

fn now() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
