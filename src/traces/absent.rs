//! A build without OTLP: spans are not exported.

use std::convert::Infallible;
use std::future::Ready;

use http::HeaderMap;
use tracing::Span;

use super::{Error, Settings, SpanLayer};

/// This build has no exporter.
pub struct Exporter(Infallible);

impl Exporter {
    pub fn start(_: &Settings) -> Result<(Self, SpanLayer), Error> {
        Err(Error::NotBuilt)
    }

    pub fn finish(self) -> Ready<()> {
        match self.0 {}
    }
}

pub(super) fn continue_trace(_: &Span, _: &HeaderMap) {}
