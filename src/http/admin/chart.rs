//! Deliveries by minute, as rectangles.

use std::collections::BTreeMap;

use super::views::Bar;
use crate::db::pages::Minute;

pub(super) fn totals(minutes: &[Minute]) -> Vec<(String, i64)> {
    let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
    for minute in minutes {
        *totals.entry(&minute.outcome).or_default() += minute.deliveries;
    }
    totals.into_iter().map(|(outcome, count)| (outcome.to_owned(), count)).collect()
}

/// Stacked, the highest minute 100 high, the present on the right.
pub(super) fn bars(minutes: &[Minute]) -> Vec<Bar> {
    let mut heights: BTreeMap<i32, i64> = BTreeMap::new();
    for minute in minutes {
        *heights.entry(minute.minutes_ago).or_default() += minute.deliveries;
    }
    let highest = heights.values().copied().max().unwrap_or(1);
    let mut below: BTreeMap<i32, i64> = BTreeMap::new();
    let bar = |minute: &Minute| {
        let height = (minute.deliveries * 100 / highest).max(1);
        let below = below.entry(minute.minutes_ago).or_default();
        *below += height;
        let Minute { minutes_ago, outcome, deliveries } = minute;
        let label = format!("{minutes_ago} min ago: {deliveries} {outcome}");
        let x = i64::from(59 - minutes_ago) * 10;
        Bar { x, y: 100 - *below, height, outcome: outcome.clone(), label }
    };
    minutes.iter().map(bar).collect()
}
