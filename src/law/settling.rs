//! When the answer of a provider's API is believed against what was heard lately.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A vendor's replicas may not have what is younger than this.
pub const SETTLING: SignedDuration = SignedDuration::from_secs(60);

/// How long it is too early to believe, at `now`, an answer as of `fence` that contradicts what was heard at `heard`; `None`
/// where it is not. By a clock that is ahead of ours no time has passed.
pub fn too_early(heard: Option<Timestamp>, fence: Timestamp, now: Timestamp) -> Option<Duration> {
    let fence = fence.min(now);
    // A version far in the future is no reason to ask far in the future.
    let left = SETTLING.saturating_sub(fence.duration_since(heard?)).min(SETTLING);
    Duration::try_from(left).ok().filter(|left| !left.is_zero())
}
