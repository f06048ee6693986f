//! The times in a token.

use jiff::SignedDuration;
use serde_json::{Value, json};
use users_sync::signature::Rejection;

use super::request::{Request, sent_at};
use super::token::request;
use crate::harness::Issuer;

/// A token with these claims.
fn claiming(issuer: &Issuer, claims: &Value) -> Request {
    request(issuer, &issuer.token(claims.to_string()))
}

#[test]
fn the_times_of_a_token_are_checked() {
    let issuer = Issuer::ed("one");
    let now = sent_at().as_second();
    for (claims, expected) in [
        (json!({ "exp": now - 60 }), None),
        (json!({ "exp": now - 61 }), Some(Rejection::TooOld(61))),
        (json!({ "exp": -1 }), Some(Rejection::TooOld(now + 1))),
        (json!({ "nbf": now + 60, "iat": now + 60 }), None),
        (json!({ "nbf": now + 61 }), Some(Rejection::TooNew(1))),
        (json!({ "iat": now + 3_660 }), Some(Rejection::TooNew(3_600))),
        (json!({ "exp": 1e300, "iat": -1e300, "nbf": 0.5 }), None),
        (json!({ "nbf": 1e300 }), Some(Rejection::TooNew(i64::MAX - now - 60))),
        (json!({ "exp": now as f64 + 0.5, "iat": now as f64 - 0.5 }), None),
        (json!({ "exp": null, "iat": null }), None),
    ] {
        assert_eq!(claiming(&issuer, &claims).verify().err(), expected, "{claims}");
    }
    let old =
        claiming(&issuer, &json!({ "exp": now })).after(SignedDuration::from_hours(9).as_secs());
    assert!(matches!(old.refusal(), Rejection::TooOld(_)));
}

/// What limits a token must not be overlooked.
#[test]
fn times_that_are_no_numbers_are_refused() {
    let issuer = Issuer::ed("one");
    for time in [json!("2020-01-01T00:00:00Z"), json!("1"), json!(true), json!([1]), json!({})] {
        for name in ["exp", "nbf", "iat"] {
            let refused = claiming(&issuer, &json!({ name: time })).refusal();

            let expected = Rejection::MalformedBody("a token with times in seconds");
            assert_eq!(refused, expected, "{name} {time}");
        }
    }
    let twice = request(&issuer, &issuer.token(r#"{"exp":9999999999,"exp":1}"#));
    assert!(matches!(twice.refusal(), Rejection::MalformedBody(_)));
}

#[test]
fn content_that_is_no_object_is_left_to_the_reader() {
    let issuer = Issuer::ed("one");
    for content in ["[1,2,3]", "text", "", "7", "{", "\u{feff}{}"] {
        let proof = request(&issuer, &issuer.token(content)).accepted();

        assert_eq!(proof.content.as_deref(), Some(content.as_bytes()));
    }
}
