//! One log line for each delivery, and its numbers in the metrics; nothing from its body.

use jiff::Timestamp;

use crate::metrics::{Delivered, Metrics};
use crate::model::{Change, Kind, Outcome};
use crate::webhook::{Decoded, Verdict};

/// Called after the commit that holds the delivery.
pub(super) fn report(decoded: &Decoded, outcome: Outcome, metrics: &Metrics) {
    let Decoded { source, provider, id, received_at, event_type, verdict, .. } = decoded;
    let changes = verdict.changes();
    metrics.delivered(&Delivered {
        source,
        provider,
        event_type: event_type.as_deref(),
        outcome,
        changes,
        received_at: *received_at,
    });
    let entity = changes.first().map(Change::key);
    let user = entity.filter(|key| key.kind == Kind::User);
    let other = entity.filter(|key| key.kind != Kind::User);
    let took_ms = Timestamp::now().duration_since(*received_at).as_millis_f64();
    tracing::info!(
        %source,
        delivery = %id,
        event = event_type,
        user = user.map(|key| &*key.id),
        kind = other.map(|key| key.kind.as_str()),
        id = other.map(|key| &*key.id),
        // The number of changes after the first.
        further = changes.len().checked_sub(2).map(|further| further + 1),
        outcome = outcome.as_str(),
        reason = reason(verdict),
        took_ms,
        "delivery"
    );
}

fn reason(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Changes(_) => None,
        Verdict::Ignored(reason) => Some(reason),
        Verdict::Quarantined(reason) => Some(reason),
    }
}
