//! A token in a header that names the body by its hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use users_sync::signature::{Bound, Encoding, Rejection, Scheme, Signer};

use super::request::{BODY, Request, sent_at, text};
use crate::harness::Issuer;

const HEADER: &str = "x-signature-jwt";
const SECRET: &str = "the secret of an endpoint, 40 characters";
const CLAIM: &str = "request_body_sha256";

fn bound(prefix: &'static str, signer: Signer) -> Bound {
    Bound { header: HEADER, prefix, signer, hash: Some((CLAIM, Encoding::Base64)) }
}

fn shared() -> Request {
    Request::signed(Scheme::Bound(bound("", Signer::Shared)), text(SECRET))
}

fn hash() -> String {
    STANDARD.encode(digest(&SHA256, BODY.as_bytes()))
}

/// A token with these claims, signed by a published key.
fn claiming(claims: &Value) -> Request {
    let issuer = Issuer::ed("one");
    let scheme = Scheme::Bound(bound("Bearer ", Signer::Any));
    let request = Request::published(scheme, issuer.published(), BODY);
    request.with(HEADER, format!("Bearer {}", issuer.token(claims.to_string())))
}

fn malformed(expected: &'static str) -> Rejection {
    Rejection::MalformedHeader { header: HEADER, expected }
}

#[test]
fn a_secret_or_a_published_key_signs() {
    assert_eq!(shared().accepted().secret, Some(0));
    assert_eq!(claiming(&json!({ CLAIM: hash() })).accepted().secret, None);
    let any = Request::signed(Scheme::Bound(bound("", Signer::Any)), text(SECRET));
    assert_eq!(any.with_keys(Issuer::rsa("one").published()).accepted().secret, Some(0));
}

#[test]
fn a_published_key_counts_only_where_the_provider_publishes_keys() {
    let issuer = Issuer::ed("one");
    let claims = json!({ CLAIM: hash() }).to_string();
    let request = shared().with(HEADER, issuer.token(claims)).with_keys(issuer.published());

    assert_eq!(request.refusal(), Rejection::NoSecretMatches);
}

#[test]
fn a_secret_does_not_count_where_only_published_keys_sign() {
    let request = shared();
    let scheme = Scheme::Bound(bound("", Signer::Published));

    let refusal = Request { scheme, ..request }.refusal();

    assert_eq!(refusal, Rejection::NoSecretMatches);
}

#[test]
fn another_secret_does_not_match() {
    let request = shared();

    assert_eq!(request.with_secrets(text("another")).refusal(), Rejection::NoSecretMatches);
    assert_eq!(request.with_secrets(Vec::new()).refusal(), Rejection::NoSecretMatches);
}

#[test]
fn the_token_of_another_body_is_refused() {
    for body in [String::new(), format!("{BODY} "), BODY.replace("user_1", "user_2")] {
        assert_eq!(shared().with_body(body).refusal(), Rejection::OtherBody);
    }
}

#[test]
fn a_hash_that_is_missing_or_spelled_otherwise_fits_no_body() {
    let bytes = digest(&SHA256, BODY.as_bytes());
    for claims in [
        json!({}),
        json!({ CLAIM: null }),
        json!({ CLAIM: "" }),
        json!({ CLAIM: [hash()] }),
        json!({ CLAIM: hex::encode(bytes) }),
        json!({ CLAIM: URL_SAFE_NO_PAD.encode(bytes) }),
        json!({ CLAIM: &hash()[..24] }),
        json!({ CLAIM.to_uppercase(): hash() }),
        json!([hash()]),
        json!(hash()),
    ] {
        assert_eq!(claiming(&claims).refusal(), Rejection::OtherBody, "{claims}");
    }
}

#[test]
fn the_times_of_the_token_are_checked() {
    let now = sent_at().as_second();
    let with = |time: Value, name: &str| claiming(&json!({ CLAIM: hash(), name: time }));

    with(json!(now - 60), "exp").accepted();
    assert_eq!(with(json!(now - 61), "exp").refusal(), Rejection::TooOld(61));
    assert_eq!(with(json!(now + 61), "nbf").refusal(), Rejection::TooNew(1));
    let expected = malformed("a token with times in seconds");
    assert_eq!(with(json!("tomorrow"), "exp").refusal(), expected);
    assert_eq!(shared().after(361).refusal(), Rejection::TooOld(61));
}

#[test]
fn a_token_without_a_hash_fits_any_body() {
    let scheme = Scheme::Bound(Bound { hash: None, ..bound("", Signer::Shared) });
    let request = Request::signed(scheme, text(SECRET));

    request.with_body("another").accepted();

    assert!(!scheme.covers_the_body() && shared().scheme.covers_the_body());
}

#[test]
fn the_prefix_is_read_in_any_case_and_must_be_there() {
    let request = claiming(&json!({ CLAIM: hash() }));
    let token = request.value(HEADER)["Bearer ".len()..].to_owned();

    request.with(HEADER, format!("bearer {token}")).accepted();
    for wrong in [
        token.clone(),
        format!("Basic {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {token} x"),
        "Bearer".to_owned(),
        "B".to_owned(),
        String::new(),
    ] {
        let reason = request.with(HEADER, &wrong).refusal();
        let unreadable = reason == Rejection::NoSecretMatches;
        assert!(unreadable || reason == malformed("a signed token (JWT)"), "{wrong}: {reason}");
    }
}

#[test]
fn missing_contradicting_and_foreign_headers_are_refused() {
    let request = shared();
    let token = request.value(HEADER);

    assert_eq!(request.without(HEADER).refusal(), Rejection::MissingHeader(HEADER));
    assert_eq!(request.and(HEADER, "a.b.c").refusal(), malformed("one value"));
    assert_eq!(request.with(HEADER, format!("{token}é")).refusal(), malformed("visible ASCII"));
    request.and(HEADER, token).accepted();
}

#[test]
fn an_algorithm_without_a_key_is_refused() {
    let request = shared();
    let payload = request.value(HEADER).split('.').nth(1).expect("a payload").to_owned();
    for algorithm in ["none", "HS384", "HS512", "RS256"] {
        let header = crate::harness::encoded(json!({ "alg": algorithm }).to_string());

        let refused = request.with(HEADER, format!("{header}.{payload}.")).verify();

        assert!(refused.is_err(), "{algorithm}");
    }
}
