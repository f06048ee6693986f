//! Logs: on stderr, one line per event, text for people or JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// How to log, and what.
#[derive(Debug, Default)]
pub struct Logging {
    format: Format,
    filter: String,
}

impl Logging {
    /// `filter` in the syntax of `RUST_LOG`; `None` where it cannot be read.
    pub fn new(format: Format, filter: &str) -> Option<Self> {
        EnvFilter::try_new(filter).ok()?;
        Some(Self { format, filter: filter.to_owned() })
    }

    /// Starts to log; later calls in the same process change nothing.
    pub fn start(&self) {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(&self.filter))
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        let _ = match self.format {
            Format::Text => builder.with_target(false).try_init(),
            Format::Json => builder.json().flatten_event(true).try_init(),
        };
    }
}
