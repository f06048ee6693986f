//! How far a long command came: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

const LINE_EVERY: Duration = Duration::from_secs(5);
const COUNTED: &str = "{msg} {wide_bar} {human_pos} of {human_len}, {per_sec}, {eta} left";
const UNCOUNTED: &str = "{msg} {spinner} {human_pos}, {per_sec}, {elapsed}";

/// On stderr; the results are elsewhere.
pub(super) struct Progress {
    what: String,
    total: Option<u64>,
    bar: Option<ProgressBar>,
    /// When it began, and at how many.
    began: Option<(Instant, u64)>,
    printed_at: Instant,
}

impl Progress {
    pub(super) fn new(what: String, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| bar(&what, total));
        Self { what, total, bar, began: None, printed_at: Instant::now() }
    }

    pub(super) fn at(&mut self, position: u64) {
        let (began, first) = *self.began.get_or_insert_with(|| {
            if let Some(bar) = &self.bar {
                bar.reset_eta();
            }
            (Instant::now(), position)
        });
        if let Some(bar) = &self.bar {
            return bar.set_position(position);
        }
        if self.printed_at.elapsed() >= LINE_EVERY {
            self.printed_at = Instant::now();
            eprintln!("{}", self.line(position, began.elapsed(), position.saturating_sub(first)));
        }
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }

    fn line(&self, position: u64, elapsed: Duration, done: u64) -> String {
        let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
        let what = &self.what;
        let Some(total) = self.total else { return format!("{what}: {position}, {rate:.0}/s") };
        let left = total.saturating_sub(position) as f64 / rate.max(0.001);
        let left = HumanDuration(Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX));
        format!("{what}: {position} of {total}, {rate:.0}/s, {left} left")
    }
}

fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), COUNTED),
        None => (ProgressBar::new_spinner(), UNCOUNTED),
    };
    bar.set_style(ProgressStyle::with_template(template).expect("the templates are valid"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(what.to_owned())
}
