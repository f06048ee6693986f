//! The ids that Svix gives its messages: sortable by time, bytewise.
//!
//! 20 bytes as 27 digits of base 62: four bytes of seconds since 1,400,000,000, one of 4 ms steps, fifteen at random
//! (svix-webhooks, `svix-server/src/core/types`).

use jiff::Timestamp;
use svix_ksuid::{KSUID_EPOCH, KsuidLike, KsuidMs};

/// A new one, made at `now`.
pub fn new(now: Timestamp) -> String {
    // The library wraps around outside of its range.
    let last = KSUID_EPOCH + i64::from(u32::MAX);
    let now = now.as_millisecond().clamp(KSUID_EPOCH * 1000, last * 1000 + 999);
    KsuidMs::from_millis(Some(now), None).to_string()
}

/// When it was made; `None` if `digits` is no KSUID.
pub fn time(digits: &str) -> Option<Timestamp> {
    let id = KsuidMs::from_base62(digits).ok()?;
    // The library reads numbers that are too large and letters beyond ASCII, each as another id.
    if id.to_string() != digits {
        return None;
    }
    let raw = id.timestamp_raw().cast_signed();
    let (seconds, step) = (raw >> 8, raw & 0xff);
    // 250 steps are a second; a foreign id with more of them must not sort before its neighbours.
    Timestamp::from_millisecond((KSUID_EPOCH + seconds) * 1000 + (step * 4).min(999)).ok()
}
