//! The ids that Svix gives its messages: sortable by time, bytewise.
//!
//! 20 bytes as 27 digits of base 62: four bytes of seconds since 1,400,000,000, one of 4 ms steps, fifteen at random
//! (svix-webhooks, `svix-server/src/core/types`).

use jiff::Timestamp;

const EPOCH: i64 = 1_400_000_000;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const LEN: usize = 27;

/// A new one, made at `now`.
pub fn new(now: Timestamp) -> String {
    let since = now.as_second().saturating_sub(EPOCH);
    let seconds = u32::try_from(since.max(0)).unwrap_or(u32::MAX).to_be_bytes();
    let steps = u8::try_from(now.subsec_millisecond().max(0) / 4).unwrap_or(u8::MAX);
    let random = uuid::Uuid::new_v4();

    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&seconds);
    bytes[4] = steps;
    bytes[5..].copy_from_slice(&random.as_bytes()[..15]);
    encode(bytes)
}

/// When it was made; `None` where `digits` is no KSUID.
pub fn time(digits: &str) -> Option<Timestamp> {
    let bytes = decode(digits)?;
    let seconds = i64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let milliseconds = i64::from(bytes[4]) * 4;
    Timestamp::from_millisecond((EPOCH + seconds) * 1000 + milliseconds.min(999)).ok()
}

/// Long division by 62, the last digit first.
fn encode(mut bytes: [u8; 20]) -> String {
    let mut digits = [0; LEN];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut bytes {
            let value = rest * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).expect("the rest is below 62");
            rest = value % 62;
        }
        *digit = DIGITS[rest];
    }
    digits.map(char::from).iter().collect()
}

/// `None` for a foreign digit, another length, or a number that is too large.
fn decode(digits: &str) -> Option<[u8; 20]> {
    if digits.len() != LEN {
        return None;
    }
    let mut bytes = [0_u8; 20];
    for digit in digits.bytes() {
        let mut carry = u32::from(match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'Z' => digit - b'A' + 10,
            b'a'..=b'z' => digit - b'a' + 36,
            _ => return None,
        });
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 62 + carry;
            [_, _, _, *byte] = value.to_be_bytes();
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(bytes)
}
