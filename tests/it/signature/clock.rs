//! The tolerance of five minutes in both directions.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use users_sync::signature::{Keys, Rejection, Scheme, Secret};

use super::{refused, signed, with};
use crate::harness::{Front, KEY, Signed};

/// The verdict at a given moment: a test over HTTP cannot hit an exact second.
fn verdict(signed: &Signed, now: i64) -> Result<String, Rejection> {
    let headers: HeaderMap = signed
        .headers()
        .into_iter()
        .map(|(name, value)| {
            let name = HeaderName::try_from(name).expect("a name");
            (name, HeaderValue::try_from(value).expect("a value"))
        })
        .collect();
    let secrets = [Secret::from_bytes(KEY.to_vec())];
    let body = Bytes::from(signed.body.clone());
    let now = Timestamp::from_second(now).expect("a time");
    Scheme::Svix
        .verify(Keys::of(&secrets), &headers, &body, now)
        .map(|proof| proof.id.expect("the scheme has ids").to_string())
}

#[test]
fn exactly_five_minutes_are_tolerated_in_both_directions() {
    let sent_at = 1_747_408_052;
    let signed = signed().sent_at(sent_at);

    let verdict = |now| verdict(&signed, sent_at + now);

    for tolerated in [0, 1, -1, 299, -299, 300, -300] {
        assert_eq!(verdict(tolerated), Ok(signed.id.clone()), "{tolerated}");
    }
    assert_eq!(verdict(301), Err(Rejection::TooOld(1)));
    assert_eq!(verdict(-301), Err(Rejection::TooNew(1)));
    assert_eq!(verdict(3_900), Err(Rejection::TooOld(3_600)));
    assert_eq!(verdict(-3_900), Err(Rejection::TooNew(3_600)));
}

#[test]
fn extreme_times_are_only_too_old_or_too_new() {
    let (oldest, newest) = (signed().sent_at(0), signed().sent_at(i64::MAX));

    assert_eq!(verdict(&oldest, 1_747_408_052), Err(Rejection::TooOld(1_747_407_752)));
    assert_eq!(verdict(&newest, 0), Err(Rejection::TooNew(i64::MAX - 300)));
    assert!(matches!(verdict(&newest, -62_135_596_800), Err(Rejection::TooNew(_))));
}

#[tokio::test]
async fn the_reason_says_in_which_direction_the_clocks_differ() {
    let front = Front::new().await;
    let now = Timestamp::now().as_second();
    for (sent_at, reason) in [(now - 4_000, "too old by 37"), (now + 4_000, "too new by 3")] {
        let answer = front.service.post(&signed().sent_at(sent_at)).await;

        let (header, text) = refused(&front, &answer, 401).await;
        assert_eq!(header, json!(null));
        let text = text.as_str().expect("a reason");
        assert!(text.starts_with(reason) && text.ends_with(" s"), "{text}");
    }
}

#[tokio::test]
async fn a_request_within_five_minutes_is_accepted() {
    let front = Front::new().await;
    let now = Timestamp::now().as_second();
    for sent_at in [now - 270, now + 270] {
        let answer = front.service.post(&signed().sent_at(sent_at)).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_about_our_clock() {
    let front = Front::new().await;
    let old_and_foreign = signed().sent_at(1).signed_with(b"another sender's key");

    let answer = front.service.post(&old_and_foreign).await;

    assert_eq!(refused(&front, &answer, 401).await.1, "no secret matches");
}

/// The svix crate signs the number, not its spelling.
#[tokio::test]
async fn a_time_with_a_plus_or_leading_zeros_is_the_same_time() {
    let front = Front::new().await;
    let signed = signed();
    for written in [format!("+{}", signed.timestamp), format!("000{}", signed.timestamp)] {
        let headers = with(&signed, "svix-timestamp", &written);

        let answer = front.service.post_with(&signed, &headers).await;

        assert_eq!(answer.status, 200, "{written}: {}", answer.body);
    }
}
