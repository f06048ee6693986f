//! A detached signature over the time and the body.

use serde_json::json;
use users_sync::signature::{Detached, Rejection, Scheme};

use super::request::{BODY, Request, sent_at};
use crate::harness::{Issuer, encoded};

const SIGNATURE: &str = "x-signature";
const KEY_ID: &str = "x-signature-kid";
const TIME: &str = "x-timestamp";
const ID: &str = "x-event-id";
const SCHEME: Scheme =
    Scheme::Detached(Detached { signature: SIGNATURE, key_id: KEY_ID, timestamp: TIME, id: ID });
const DETACHED: Rejection = Rejection::MalformedHeader {
    header: SIGNATURE,
    expected: "a detached signature `header..signature`",
};

fn payload(time: &str) -> String {
    format!("{time}.{}", encoded(BODY))
}

/// The token without its payload.
fn detached(token: &str) -> String {
    let parts: Vec<_> = token.split('.').collect();
    format!("{}..{}", parts[0], parts[2])
}

fn signed(issuer: &Issuer) -> Request {
    let time = sent_at().as_millisecond().to_string();
    Request::published(SCHEME, issuer.published(), BODY)
        .with(SIGNATURE, detached(&issuer.token(payload(&time))))
        .with(KEY_ID, issuer.id)
        .with(TIME, time)
        .with(ID, "event_1")
}

#[test]
fn a_right_request_is_accepted() {
    let issuer = Issuer::ed("one");

    let proof = signed(&issuer).accepted();

    assert_eq!(proof.id.map(|id| id.to_string()).as_deref(), Some("event_1"));
    assert_eq!((proof.secret, proof.content), (None, None));
}

#[test]
fn another_body_time_or_key_does_not_match() {
    let request = signed(&Issuer::ed("one"));
    let later = (sent_at().as_millisecond() + 1).to_string();
    for changed in [
        request.with_body(format!("{BODY} ")),
        request.with(TIME, later),
        request.with(TIME, format!("0{}", request.value(TIME))),
        request.with(TIME, format!("+{}", request.value(TIME))),
        request.with_keys(Issuer::ed("one").published()),
        request.with_keys(Issuer::rsa("one").published()),
        request.with_keys(Issuer::ed("two").published()),
    ] {
        assert_eq!(changed.refusal(), Rejection::NoSecretMatches);
    }
}

#[test]
fn the_time_is_checked_in_both_directions() {
    let request = signed(&Issuer::ed("one"));
    for seconds in [-300, 300] {
        request.after(seconds).accepted();
    }

    assert_eq!(request.after(301).refusal(), Rejection::TooOld(1));
    assert_eq!(request.after(-301).refusal(), Rejection::TooNew(1));
}

#[test]
fn times_far_from_now_are_only_too_old_or_too_new() {
    let issuer = Issuer::ed("one");
    for time in ["-1", "0", "-377705023201000", "253402207199999"] {
        let request = signed(&issuer)
            .with(TIME, time)
            .with(SIGNATURE, detached(&issuer.token(payload(time))));

        let refusal = request.refusal();

        assert!(matches!(refusal, Rejection::TooOld(_) | Rejection::TooNew(_)), "{time}");
    }
}

#[test]
fn a_time_that_is_no_number_is_malformed() {
    let request = signed(&Issuer::ed("one"));
    let expected = "a time in milliseconds since 1970";
    let malformed = Rejection::MalformedHeader { header: TIME, expected };
    for time in ["", "soon", "1.5", "1e9", "0x10", "9223372036854775807", "99999999999999999999"] {
        assert_eq!(request.with(TIME, time).refusal(), malformed, "{time}");
    }
}

#[test]
fn a_payload_inside_is_refused() {
    let issuer = Issuer::ed("one");
    let request = signed(&issuer);
    let attached = issuer.token(payload(&request.value(TIME)));
    let signature = request.value(SIGNATURE);
    let [header, end] = [0, 2].map(|at| attached.split('.').nth(at).expect("a part"));

    for wrong in [
        attached.clone(),
        signature.replace("..", "."),
        signature.replace("..", "..."),
        format!("{signature}."),
        format!("..{end}"),
        format!("{header}=..{end}"),
        "..".to_owned(),
        String::new(),
    ] {
        assert_eq!(request.with(SIGNATURE, &wrong).refusal(), DETACHED, "{wrong}");
    }
}

#[test]
fn a_signature_with_trailing_data_is_refused() {
    let request = signed(&Issuer::ed("one"));
    let signature = request.value(SIGNATURE);

    for wrong in [
        format!("{signature}AAAA"),
        format!("{signature}="),
        format!("{signature} x"),
        signature[..signature.len() - 4].to_owned(),
        format!("{}..", signature.split('.').next().expect("a header")),
    ] {
        assert_eq!(
            request.with(SIGNATURE, &wrong).refusal(),
            Rejection::NoSecretMatches,
            "{wrong}"
        );
    }
}

/// The vendor names the key in a header of the request, and may have another word for it in the signature. Any published key
/// may have signed, whatever either says.
#[test]
fn the_header_names_the_key_and_any_published_key_verifies() {
    let issuer = Issuer::ed("one");
    let request = signed(&issuer);
    let key_id = |request: &Request| request.scheme.key_id(&request.headers, &request.body);

    let contradicted = request.with(KEY_ID, "two");
    contradicted.accepted();
    assert_eq!(key_id(&contradicted), Some("two".into()));

    let without = issuer.token_with(&json!({ "alg": "EdDSA" }), payload(&request.value(TIME)));
    let without = request.with(SIGNATURE, detached(&without));
    without.accepted();
    assert_eq!(key_id(&without), Some("one".into()));
    request.without(KEY_ID).accepted();
    assert_eq!(key_id(&request.without(KEY_ID)), Some("one".into()));
}

#[test]
fn missing_contradicting_and_foreign_headers_are_refused() {
    let request = signed(&Issuer::ed("one"));
    for header in [SIGNATURE, TIME, ID] {
        let expected = |expected| Rejection::MalformedHeader { header, expected };

        assert_eq!(request.without(header).refusal(), Rejection::MissingHeader(header));
        assert_eq!(request.and(header, "x").refusal(), expected("one value"));
        assert_eq!(request.with(header, "é").refusal(), expected("visible ASCII"));
    }
    let expected = "an id of 1 to 255 bytes";
    let malformed = Rejection::MalformedHeader { header: ID, expected };
    assert_eq!(request.with(ID, "").refusal(), malformed);
    assert_eq!(request.with(ID, "x".repeat(256)).refusal(), malformed);
}
