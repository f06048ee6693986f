//! What the doctor says about the signature of each scheme.

use jiff::Timestamp;
use users_sync::capture::Capture;
use users_sync::explain::{Diagnosis, explain};
use users_sync::model::DeliveryId;
use users_sync::provider::{self, Provider};
use users_sync::signature::{
    Authorization, Bound, Detached, Digest, Encoding, Form, Message, Scheme, Secret, Shared,
    Signer, Stamped, Token, Unit,
};
use users_sync::webhook::Source;

use super::{assert_reported, doctor_with};
use crate::harness::TestDatabase;

const HEADER: &str = "x-signature";

/// A source of a provider that signs by this scheme.
fn source(scheme: Scheme) -> Source {
    let clerk = provider::find("clerk").expect("a known provider");
    let provider = Box::leak(Box::new(Provider { name: "signer", scheme, api: None, ..*clerk }));
    let secrets = Secret::parse_list("the secret of an endpoint", Form::Text).expect("a secret");
    Source::new(provider.name, provider, secrets)
}

/// What the doctor says of a request that `sender` signs and `receiver` gets.
fn explained(sender: Scheme, receiver: Scheme) -> Diagnosis {
    let (sender, receiver) = (source(sender), source(receiver));
    let id = DeliveryId::new("msg_1").expect("an id");
    let message = Message { id: &id, sent_at: Timestamp::now(), body: "{}" };
    let signed = sender.provider.scheme.sign(&sender.secrets[0], &message).expect("it signs");
    let lines = signed.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let head: String = lines.collect();
    let request = format!("POST /webhooks/signer HTTP/1.1\r\n{head}\r\n{}", signed.body);
    let captures = Capture::parse_all(request.as_bytes()).expect("a request");
    explain(&captures[0], &receiver, &[], Timestamp::now())
}

fn stamped(unit: Unit) -> Scheme {
    Scheme::Stamped(Stamped { header: HEADER, unit, tolerance: 300 })
}

#[test]
fn a_time_in_the_wrong_unit_is_explained() {
    let (seconds, milliseconds) = (stamped(Unit::Seconds), stamped(Unit::Milliseconds));

    let too_fine = explained(milliseconds, seconds);
    let too_coarse = explained(seconds, milliseconds);

    assert_eq!(too_fine.found, "the timestamp counts milliseconds");
    assert_eq!(too_coarse.found, "the timestamp counts seconds");
    assert!(!too_fine.accepted && !too_coarse.accepted);
    for scheme in [seconds, milliseconds] {
        assert!(explained(scheme, scheme).accepted);
    }
}

#[test]
fn the_advice_about_a_token_fits_the_token() {
    let bound =
        |hash| Scheme::Bound(Bound { header: HEADER, prefix: "", signer: Signer::Shared, hash });

    let other_body = explained(bound(None), bound(Some(("hash", Encoding::Hex))));
    let malformed = explained(stamped(Unit::Seconds), bound(None));

    assert_eq!(other_body.found, "the signature is for another body");
    assert!(other_body.advice.contains("changed on its way"), "{other_body:?}");
    assert!(malformed.found.contains("a signed token (JWT) is expected"), "{malformed:?}");
}

#[test]
fn every_scheme_says_what_it_signs_and_for_how_long() {
    let bound =
        |hash| Scheme::Bound(Bound { header: HEADER, prefix: "", signer: Signer::Published, hash });
    let detached = Detached { signature: HEADER, key_id: HEADER, timestamp: HEADER, id: HEADER };
    for (scheme, signs, validity) in [
        (Scheme::Svix, "the id, the time and the body", "300 s"),
        (stamped(Unit::Seconds), "the time and the body", "300 s"),
        (
            Scheme::Digest(Digest { header: HEADER, encoding: Encoding::Hex, prefix: "" }),
            "HMAC over the body",
            "a recorded request stays valid: the law makes its repetition harmless",
        ),
        (
            Scheme::Token(Token { field: None, signer: Signer::Published }),
            "token with the content",
            "until its token expires",
        ),
        (bound(Some(("hash", Encoding::Hex))), "a hash of the body", "until its token expires"),
        (bound(None), "does not name the body", "until its token expires"),
        (Scheme::Detached(detached), "the time and the body", "300 s"),
        (
            Scheme::Shared(Shared { header: HEADER, form: Authorization::Plain }),
            "a fixed secret",
            "a recorded request stays valid",
        ),
    ] {
        let explanation = scheme.explanation();

        assert!(explanation.contains(signs) && explanation.contains(validity), "{explanation}");
    }
}

#[tokio::test]
async fn the_doctor_explains_the_signature_of_every_source() {
    let database = TestDatabase::new().await;

    let (checks, _) = doctor_with(&database, &[]).await;

    for name in ["signature of clerk", "signature of stack"] {
        assert_reported(&checks, "ok", name, &["the id, the time and the body", "300 s"]);
    }
}
