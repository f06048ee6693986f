//! Logs to stderr: one line per event, text for people or JSON for machines.

mod fields;

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::traces::SpanLayer;
use fields::Fields;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// The format and the filter of the logs.
#[derive(Debug, Default)]
pub struct Logging {
    format: Format,
    filter: String,
}

impl Logging {
    /// `filter` has the syntax of `RUST_LOG`; returns `None` if it cannot be parsed.
    pub fn new(format: Format, filter: &str) -> Option<Self> {
        EnvFilter::try_new(filter).ok()?;
        Some(Self { format, filter: filter.to_owned() })
    }

    /// Starts logging; later calls in the same process change nothing.
    pub fn start(&self) {
        // One filter for everything: an event that it excludes is not even created.
        let filters = tracing_subscriber::registry().with(self.filter()).with(discreet());
        let _ = filters.with(self.lines()).try_init();
    }

    /// As [`Self::start`], with a layer that receives spans independently of the log filter.
    pub fn start_with(&self, spans: SpanLayer) {
        let lines = self.lines().with_filter(self.filter()).with_filter(discreet());
        let _ = tracing_subscriber::registry().with(spans).with(lines).try_init();
    }

    fn filter(&self) -> EnvFilter {
        // It logs notices and parameters, and they hold values.
        let quiet = "tokio_postgres=warn".parse().expect("a directive");
        EnvFilter::new(&self.filter).add_directive(quiet)
    }

    fn lines<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        match self.format {
            Format::Text => lines.with_target(false).fmt_fields(Fields).boxed(),
            Format::Json => lines.json().flatten_event(true).boxed(),
        }
    }
}

/// The driver's own lines hold the parameters of statements, with addresses and bodies, so no filter may enable
/// them.
fn discreet() -> FilterFn {
    FilterFn::new(|metadata: &Metadata<'_>| !metadata.target().starts_with("tokio_postgres"))
}
