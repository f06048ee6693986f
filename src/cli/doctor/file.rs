//! Captured requests, explained.

use jiff::Timestamp;

use super::check::Checks;
use crate::capture::Capture;
use crate::explain::{self, Diagnosis};
use crate::webhook::Source;

pub(super) fn explain(
    checks: &mut Checks,
    captures: &[Capture],
    sent_to: Option<&str>,
    sources: &[Source],
) {
    for (place, capture) in captures.iter().enumerate() {
        let name = format!("request {}", place + 1);
        let Some(source) = source(capture, sent_to, sources) else {
            let named = capture.source.as_deref().or(sent_to);
            let names: Vec<_> = sources.iter().map(|source| &*source.name).collect();
            let (found, advice) = match named {
                Some(_) => {
                    ("is for a source that is not configured", "set the secret of its provider")
                }
                None => ("does not say which source it is for", "add --as"),
            };
            checks.fail(&name, format!("{found}; configured: {}", names.join(", ")), advice);
            continue;
        };
        let Diagnosis { accepted, found, advice } =
            explain::explain(capture, source, sources, Timestamp::now());
        match (accepted, advice.is_empty()) {
            (true, true) => checks.ok(&name, found),
            (true, false) => checks.warn(&name, found, advice),
            (false, _) => checks.fail(&name, found, advice),
        }
    }
}

/// The only source there is needs no name.
fn source<'a>(
    capture: &Capture,
    sent_to: Option<&str>,
    sources: &'a [Source],
) -> Option<&'a Source> {
    match (capture.source.as_deref().or(sent_to), sources) {
        (Some(name), _) => sources.iter().find(|source| &*source.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}
