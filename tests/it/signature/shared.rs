//! A fixed secret in a header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use users_sync::signature::{Authorization, Rejection, Scheme, Shared};

use super::request::{Request, text};

const HEADER: &str = "authorization";
const SECRET: &str = "the-secret-of-an-endpoint-32-chars";

fn signed(secret: &str, form: Authorization) -> Request {
    Request::signed(Scheme::Shared(Shared { header: HEADER, form }), text(secret))
}

#[test]
fn a_right_request_is_accepted_with_any_body_at_any_time() {
    for form in [Authorization::Plain, Authorization::Bearer] {
        let request = signed(SECRET, form);

        request.accepted();
        request.with_body("another").after(100_000_000).accepted();

        assert!(!request.scheme.covers_the_body());
    }
}

#[test]
fn a_user_and_a_password_are_sent_as_basic() {
    let request = signed("users-sync:a long password", Authorization::Bearer);

    assert!(request.value(HEADER).starts_with("Basic "));
    request.accepted();
    let swapped = STANDARD.encode("a long password:users-sync");
    for wrong in [format!("Basic {swapped}"), "Basic dXNlcnMtc3luYzo=".into(), "Basic".into()] {
        assert_eq!(request.with(HEADER, wrong).refusal(), Rejection::NoSecretMatches);
    }
}

#[test]
fn anything_but_the_whole_secret_is_refused() {
    let request = signed(SECRET, Authorization::Bearer);
    for wrong in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer  {SECRET}"),
        format!("Bearer {}", &SECRET[1..]),
        format!("Bearer {SECRET}x"),
        format!("Bearer {}", SECRET.to_uppercase()),
        format!("Bearer {SECRET}, Bearer x"),
        format!("Token {SECRET}"),
        format!("{SECRET}{SECRET}"),
    ] {
        assert_eq!(request.with(HEADER, &wrong).refusal(), Rejection::NoSecretMatches, "{wrong}");
    }
    assert_eq!(request.with_secrets(Vec::new()).refusal(), Rejection::NoSecretMatches);
}

#[test]
fn either_of_two_secrets_is_right_while_they_rotate() {
    let request = signed(SECRET, Authorization::Plain);
    let both = text(&format!("another-secret-of-an-endpoint-32,{SECRET}"));

    assert_eq!(request.with_secrets(both).accepted().secret, Some(1));
}

#[test]
fn missing_contradicting_and_foreign_headers_are_refused() {
    let request = signed(SECRET, Authorization::Bearer);
    let expected = |what| format!("the header {HEADER} is malformed: {what} is expected");

    assert_eq!(request.without(HEADER).refusal(), Rejection::MissingHeader(HEADER));
    assert_eq!(request.and(HEADER, "Bearer other").reason(), expected("one value"));
    assert_eq!(request.with(HEADER, "Bearer é").reason(), expected("visible ASCII"));
}
