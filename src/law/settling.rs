//! When the service believes an API's answer that contradicts a recent delivery.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A vendor's replicas may lag behind by this much.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);

/// How long it is still too early, at `now`, to believe an answer as of `fence` that contradicts what arrived at
/// `heard_at`; `None` if it is not too early. A fence after `now`, from a clock ahead of ours, counts as `now`.
pub fn too_early(
    heard_at: Option<Timestamp>,
    fence: Timestamp,
    now: Timestamp,
) -> Option<Duration> {
    let fence = fence.min(now);
    // A version far in the future must not postpone the next question far into the future.
    let left = SETTLING.saturating_sub(fence.duration_since(heard_at?)).min(SETTLING);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}
