//! A body that is a token, and the tricks with tokens.

use serde_json::json;
use users_sync::signature::{Form, PublicKey, Rejection, Scheme, Secret, Signer, Token};

use super::request::{BODY, Request, text};
use crate::harness::{Issuer, encoded, hmac_token, key_set};

const WHOLE: Scheme = Scheme::Token(Token { field: None, signer: Signer::Published });
const ANY: Scheme = Scheme::Token(Token { field: None, signer: Signer::Any });
const NO_TOKEN: Rejection = Rejection::MalformedBody("a signed token (JWT)");

pub(super) fn request(issuer: &Issuer, token: &str) -> Request {
    Request::published(WHOLE, issuer.published(), token)
}

#[test]
fn a_token_of_every_kind_of_key_is_accepted() {
    for issuer in [Issuer::rsa("one"), Issuer::ec("one"), Issuer::ed("one")] {
        let request = request(&issuer, &issuer.token(BODY));

        let proof = request.accepted();

        assert_eq!((proof.id, proof.secret), (None, None));
        assert_eq!(proof.content.as_deref(), Some(BODY.as_bytes()));
        assert_eq!(request.scheme.key_id(&request.headers, &request.body), Some("one".into()));
    }
}

#[test]
fn only_the_content_of_a_token_in_a_field_counts() {
    let issuer = Issuer::ed("one");
    let scheme = Scheme::Token(Token { field: Some("token"), signer: Signer::Published });
    let token = issuer.token(BODY);
    let body = json!({ "token": token, "event": "user.deleted", "evt": "user.deleted" });
    let request = Request::published(scheme, issuer.published(), &body.to_string());

    assert_eq!(request.accepted().content.as_deref(), Some(BODY.as_bytes()));
    for wrong in [
        token.clone(),
        json!({ "Token": token }).to_string(),
        json!({ "token": [token] }).to_string(),
        json!([{ "token": token }]).to_string(),
        json!({ "token": null }).to_string(),
        "{".repeat(100_000),
        String::new(),
    ] {
        assert_eq!(request.with_body(wrong).refusal(), NO_TOKEN);
    }
}

#[test]
fn a_secret_that_both_sides_share_signs_and_verifies() {
    let scheme = Scheme::Token(Token { field: None, signer: Signer::Shared });
    let request = Request::signed(scheme, text("the secret of an endpoint"));

    assert_eq!(request.accepted().secret, Some(0));
    assert_eq!(request.with_secrets(text("another")).refusal(), Rejection::NoSecretMatches);
}

#[test]
fn a_changed_token_is_refused() {
    let issuer = Issuer::ec("one");
    let token = issuer.token(BODY);
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("three parts") };
    let other = encoded(BODY.replace("user_1", "user_2"));
    for (changed, reason) in [
        (format!("{header}.{other}.{signature}"), Rejection::NoSecretMatches),
        (format!("{header}.{payload}."), Rejection::NoSecretMatches),
        (format!("{header}.{payload}.{}", encoded([0; 64])), Rejection::NoSecretMatches),
        (format!("{header}.{payload}.{signature}AA"), Rejection::NoSecretMatches),
        (format!("{header}.{payload}.{signature}="), Rejection::NoSecretMatches),
        (format!("{header}.{payload}.{signature}\n."), NO_TOKEN),
        (format!("{header}..{signature}"), Rejection::NoSecretMatches),
        (format!("{header}.{payload}"), NO_TOKEN),
        (format!("{header}={payload}.{signature}"), NO_TOKEN),
        (format!("{header}=.{payload}.{signature}"), NO_TOKEN),
        (format!("{token}.{signature}"), NO_TOKEN),
        (format!("{token}.x.y"), NO_TOKEN),
        (format!("{token}é"), Rejection::NoSecretMatches),
        (format!("Bearer {token}"), NO_TOKEN),
        ("..".to_owned(), NO_TOKEN),
        (BODY.to_owned(), NO_TOKEN),
    ] {
        assert_eq!(request(&issuer, &changed).refusal(), reason, "{changed}");
    }
    assert_eq!(request(&issuer, "").with_body(b"\xff.\xff.\xff").refusal(), NO_TOKEN);
    request(&issuer, &format!("\r\n{token}\r\n")).accepted();
}

/// A change of the last bits of a part makes no second token.
#[test]
fn base64_with_other_trailing_bits_is_refused() {
    let issuer = Issuer::ed("one");
    let token = issuer.token(BODY);
    let last = token.as_bytes()[token.len() - 1];
    let signs = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let others = signs.iter().filter(|sign| **sign != last);

    for sign in others {
        let changed = format!("{}{}", &token[..token.len() - 1], char::from(*sign));
        assert_eq!(request(&issuer, &changed).refusal(), Rejection::NoSecretMatches, "{changed}");
    }
}

#[test]
fn a_token_without_an_algorithm_is_no_token() {
    let issuer = Issuer::rsa("one");
    for algorithm in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!(""),
        json!(null),
        json!("rs256"),
        json!(["RS256"]),
    ] {
        let header = json!({ "alg": algorithm, "kid": "one" });
        let unsigned = format!("{}.{}.", encoded(header.to_string()), encoded(BODY));
        let signed = issuer.token_with(&header, BODY);

        assert_eq!(request(&issuer, &unsigned).refusal(), NO_TOKEN, "{algorithm}");
        assert_eq!(request(&issuer, &signed).refusal(), NO_TOKEN, "{algorithm}");
    }
    let without = issuer.token_with(&json!({ "kid": "one" }), BODY);
    assert_eq!(request(&issuer, &without).refusal(), NO_TOKEN);
}

/// The public key is no secret: everyone could sign with it.
#[test]
fn a_public_key_is_never_the_secret_of_an_hmac() {
    let issuer = Issuer::rsa("one");
    let jwk = issuer.jwk();
    let modulus = jwk["n"].as_str().expect("a modulus");
    let public = Secret::parse_list(&whpk(), Form::Text).expect("a public key");
    for (key, scheme, secrets) in [
        (modulus.as_bytes().to_vec(), WHOLE, Vec::new()),
        (jwk.to_string().into_bytes(), ANY, Vec::new()),
        (public[0].expose().to_vec(), ANY, public.clone()),
        (whpk().into_bytes(), ANY, public.clone()),
        (Vec::new(), ANY, public),
    ] {
        for algorithm in ["HS256", "HS384", "HS512"] {
            let token = hmac_token(algorithm, "one", &key, BODY);
            let request = Request::published(scheme, issuer.published(), &token);

            let refused = request.with_secrets(secrets.clone()).refusal();

            assert_eq!(refused, Rejection::NoSecretMatches, "{algorithm}");
        }
    }
}

fn whpk() -> String {
    "whpk_1yZ7dMCJVqdMNzwM4Jw0bVCPdsaFQMmlVtTYJ1Ovhbs=".to_owned()
}

#[test]
fn the_key_decides_the_algorithm() {
    let (rsa, ec) = (Issuer::rsa("one"), Issuer::ec("one"));
    for (issuer, algorithm) in [
        (&ec, "RS256"),
        (&ec, "ES384"),
        (&ec, "EdDSA"),
        (&rsa, "ES256"),
        (&rsa, "PS256"),
        (&rsa, "RS512"),
    ] {
        let header = json!({ "alg": algorithm, "kid": "one" });
        let token = issuer.token_with(&header, BODY);

        assert_eq!(request(issuer, &token).refusal(), Rejection::NoSecretMatches, "{algorithm}");
    }
    let mut jwk = rsa.jwk();
    jwk["alg"] = json!("RS512");
    let only_512 = PublicKey::parse_set(&key_set(&[jwk]).to_string()).expect("a key set");
    let request = request(&rsa, &rsa.token(BODY));
    assert_eq!(request.with_keys(only_512).refusal(), Rejection::NoSecretMatches);
}

#[test]
fn a_key_id_only_chooses_among_the_published_keys() {
    let issuer = Issuer::ed("one");
    let long = "x".repeat(256);
    for (key_id, reason) in [
        ("two", Rejection::UnknownKey),
        ("", Rejection::UnknownKey),
        ("one\0", Rejection::UnknownKey),
        ("\0", Rejection::UnknownKey),
        ("../../../../dev/null", Rejection::UnknownKey),
        ("/etc/passwd", Rejection::UnknownKey),
        ("https://example.com/keys.json", Rejection::UnknownKey),
        ("' or '1' = '1", Rejection::UnknownKey),
        ("ONE", Rejection::UnknownKey),
        ("оne", Rejection::UnknownKey),
        (&long[..255], Rejection::UnknownKey),
        (&long, NO_TOKEN),
    ] {
        let token = issuer.token_with(&json!({ "alg": "EdDSA", "kid": key_id }), BODY);

        assert_eq!(request(&issuer, &token).refusal(), reason, "{key_id}");
    }
    for key_id in [json!(1), json!(["one"]), json!({ "one": 1 })] {
        let token = issuer.token_with(&json!({ "alg": "EdDSA", "kid": key_id }), BODY);

        assert_eq!(request(&issuer, &token).refusal(), NO_TOKEN);
    }
    let without = issuer.token_with(&json!({ "alg": "EdDSA" }), BODY);
    request(&issuer, &without).accepted();
}

#[test]
fn a_key_that_a_token_brings_along_is_ignored() {
    let (right, stranger) = (Issuer::rsa("one"), Issuer::rsa("one"));
    for brought in [
        json!({ "jwk": stranger.jwk() }),
        json!({ "jku": "https://example.com/keys.json" }),
        json!({ "x5u": "https://example.com/chain.pem" }),
        json!({ "x5c": ["MIIB"], "x5t": "x" }),
    ] {
        let mut header = json!({ "alg": "RS256", "kid": "one" });
        header
            .as_object_mut()
            .expect("fields")
            .extend(brought.as_object().expect("fields").clone());

        let forged = request(&right, &stranger.token_with(&header, BODY));

        assert_eq!(forged.refusal(), Rejection::NoSecretMatches);
        request(&right, &right.token_with(&header, BODY)).accepted();
    }
}

#[test]
fn an_extension_that_must_be_understood_is_refused() {
    let issuer = Issuer::ed("one");
    for critical in [json!(["b64"]), json!(["exp"]), json!([]), json!("x"), json!(1)] {
        let header = json!({ "alg": "EdDSA", "kid": "one", "b64": true, "crit": critical });

        let token = issuer.token_with(&header, BODY);

        assert_eq!(request(&issuer, &token).refusal(), NO_TOKEN, "{critical}");
    }
}

#[test]
fn a_repeated_field_of_the_header_is_refused() {
    let issuer = Issuer::ed("one");
    for header in [r#"{"alg":"EdDSA","alg":"none"}"#, r#"{"alg":"EdDSA","kid":"a","kid":"one"}"#] {
        let message = format!("{}.{}", encoded(header), encoded(BODY));
        let token = format!("{message}.{}", encoded(issuer.signature(&message)));

        assert_eq!(request(&issuer, &token).refusal(), NO_TOKEN, "{header}");
    }
}
