//! An HMAC over the body alone.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use users_sync::signature::{Digest, Encoding, Form, Rejection, Scheme, Secret};

use super::request::{BODY, Request, text};

const HEADER: &str = "x-signature";
const SECRET: &str = "the secret of an endpoint, 40 characters";

fn signed(encoding: Encoding, prefix: &'static str) -> Request {
    Request::signed(Scheme::Digest(Digest { header: HEADER, encoding, prefix }), text(SECRET))
}

fn malformed(encoding: Encoding) -> String {
    let name = match encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
    };
    format!("the header {HEADER} is malformed: an HMAC-SHA256 in {name} is expected")
}

#[test]
fn a_right_request_is_accepted_at_any_time() {
    for (encoding, prefix) in
        [(Encoding::Hex, ""), (Encoding::Hex, "sha256="), (Encoding::Base64, "")]
    {
        let request = signed(encoding, prefix);

        for age in [-100_000_000, 0, 100_000_000] {
            assert_eq!(request.after(age).accepted().secret, Some(0));
        }
        assert_eq!(request.scheme.tolerance(), None);
    }
}

#[test]
fn another_secret_or_body_does_not_match() {
    let request = signed(Encoding::Hex, "");
    for changed in [
        request.with_secrets(text("another secret of another endpoint, long")),
        request.with_secrets(Vec::new()),
        request.with_body(format!("{BODY} ")),
        request.with_body(BODY.replace('ë', "e\u{308}")),
        request.with_body(""),
    ] {
        assert_eq!(changed.refusal(), Rejection::NoSecretMatches);
    }
}

#[test]
fn a_signature_of_another_length_does_not_match() {
    for encoding in [Encoding::Hex, Encoding::Base64] {
        let request = signed(encoding, "");
        for length in [0, 1, 16, 31, 33, 64] {
            let bytes = vec![7; length];
            let wrong = match encoding {
                Encoding::Hex => hex::encode(&bytes),
                Encoding::Base64 => STANDARD.encode(&bytes),
            };
            assert_eq!(request.with(HEADER, wrong).refusal(), Rejection::NoSecretMatches);
        }
    }
}

#[test]
fn hex_is_read_in_capitals_and_without_additions() {
    let request = signed(Encoding::Hex, "");
    let right = request.value(HEADER);

    request.with(HEADER, right.to_ascii_uppercase()).accepted();
    for wrong in [format!("0x{right}"), right[1..].to_owned(), format!("sha256={right}")] {
        assert_eq!(request.with(HEADER, wrong).reason(), malformed(Encoding::Hex));
    }
}

#[test]
fn base64_has_one_spelling_only() {
    let request = signed(Encoding::Base64, "");
    let right = request.value(HEADER);
    let bytes = STANDARD.decode(&right).expect("base64");
    let last = right.trim_end_matches('=').len() - 1;
    // The last sign carries two bits that are always zero.
    let at = |sign: u8| {
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            .iter()
            .position(|known| *known == sign)
    };
    let sign = at(right.as_bytes()[last]).expect("a sign of base64") + 1;
    let signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let trailing_bits = format!("{}{}=", &right[..last], &signs[sign..=sign]);

    for wrong in [
        trailing_bits,
        STANDARD_NO_PAD.encode(&bytes),
        format!("{right}="),
        format!("{right}{right}"),
        format!("{} {}", &right[..8], &right[8..]),
    ] {
        assert_eq!(request.with(HEADER, &wrong).reason(), malformed(Encoding::Base64), "{wrong}");
    }
    let in_urls = URL_SAFE.encode(&bytes);
    assert_eq!(request.with(HEADER, &in_urls).verify().is_ok(), in_urls == right);
}

#[test]
fn the_prefix_must_be_there() {
    let request = signed(Encoding::Hex, "sha256=");
    let right = request.value(HEADER);

    for wrong in [right[7..].to_owned(), right.replace("sha256", "sha1"), right.to_uppercase()] {
        assert_eq!(request.with(HEADER, wrong).reason(), malformed(Encoding::Hex));
    }
}

#[test]
fn missing_contradicting_and_foreign_headers_are_refused() {
    let request = signed(Encoding::Hex, "");
    let right = request.value(HEADER);
    let expected = |what| format!("the header {HEADER} is malformed: {what} is expected");

    assert_eq!(request.without(HEADER).refusal(), Rejection::MissingHeader(HEADER));
    assert_eq!(request.and(HEADER, "00").reason(), expected("one value"));
    assert_eq!(request.with(HEADER, "é").reason(), expected("visible ASCII"));
    request.and(HEADER, &right).accepted();
    request.with(HEADER, format!("  {right}\t")).accepted();
}

#[test]
fn no_text_of_a_variable_makes_an_empty_secret() {
    for form in [Form::Text, Form::Encoded, Form::Public] {
        for text in ["", " ", ",", "\"\"", "'',\"\"", "v1,", "\t,\u{a0}"] {
            assert!(Secret::parse_list(text, form).is_err(), "{form:?} {text:?}");
        }
    }
    assert!(Secret::parse_list("whsec_", Form::Encoded).is_err());
    assert!(Secret::parse_list("whpk_", Form::Text).is_err());
}
