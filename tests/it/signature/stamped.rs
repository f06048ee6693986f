//! `t=…,v1=…`

use users_sync::signature::{Rejection, Scheme, Stamped, Unit};

use super::request::{BODY, Request, sent_at, text};

const HEADER: &str = "workos-signature";
const SECRET: &str = "the secret of an endpoint, 40 characters";

fn signed(unit: Unit) -> Request {
    let scheme = Scheme::Stamped(Stamped { header: HEADER, unit, tolerance: 180 });
    Request::signed(scheme, text(SECRET))
}

fn expected(what: &str) -> String {
    format!("the header {HEADER} is malformed: {what} is expected")
}

#[test]
fn a_right_request_is_accepted_in_either_unit() {
    for unit in [Unit::Seconds, Unit::Milliseconds] {
        let request = signed(unit);

        let proof = request.accepted();

        assert_eq!((proof.id, proof.secret, proof.content), (None, Some(0), None));
        assert_eq!(request.scheme.sent_at(&request.headers, &request.body), Some(sent_at()));
    }
}

#[test]
fn another_secret_body_or_time_does_not_match() {
    let request = signed(Unit::Seconds);
    let later = request.value(HEADER).replace("t=17", "t=18");
    for changed in [
        request.with_secrets(text("another secret of another endpoint, long")),
        request.with_secrets(Vec::new()),
        request.with_body(format!("{BODY} ")),
        request.with_body(""),
        request.with(HEADER, later),
    ] {
        assert_eq!(changed.refusal(), Rejection::NoSecretMatches);
    }
}

#[test]
fn the_time_is_checked_in_both_directions() {
    for unit in [Unit::Seconds, Unit::Milliseconds] {
        let request = signed(unit);
        for seconds in [-180, 0, 180] {
            request.after(seconds).accepted();
        }
        assert_eq!(request.after(181).refusal(), Rejection::TooOld(1));
        assert_eq!(request.after(-181).refusal(), Rejection::TooNew(1));
    }
}

#[test]
fn every_secret_and_every_signature_is_tried() {
    let request = signed(Unit::Seconds);
    let header = request.value(HEADER);
    let (time, signature) = header.split_once(',').expect("two parts");
    let other = "v1=00ff";
    for list in [
        format!("{time},{other},{signature}"),
        format!("{signature},{time}"),
        format!("{time} , {signature} ,{other}"),
        format!("{time},v0=abc,v1=not hex,{signature},x,"),
    ] {
        request.with(HEADER, list).accepted();
    }
    let both = text(&format!("the secret before it was rotated,{SECRET}"));

    assert_eq!(request.with_secrets(both).accepted().secret, Some(1));
}

#[test]
fn a_header_without_one_time_and_a_signature_is_malformed() {
    let request = signed(Unit::Seconds);
    let header = request.value(HEADER);
    let (time, signature) = header.split_once(',').expect("two parts");
    let number = "a time since 1970 as a whole number";
    for (value, what) in [
        (String::new(), "one time as `t=…`"),
        (signature.to_owned(), "one time as `t=…`"),
        (format!("{time},{time},{signature}"), "one time as `t=…`"),
        (format!("{time},t=1,{signature}"), "one time as `t=…`"),
        (format!("t=,{signature}"), number),
        (format!("t=-1,{signature}"), number),
        (format!("t=+1,{signature}"), number),
        (format!("t=1e9,{signature}"), number),
        (format!("t=17.5,{signature}"), number),
        (format!("t= 17,{signature}"), number),
        (format!("t={},{signature}", "9".repeat(18)), number),
        (format!("t={},{signature}", "9".repeat(5_000)), number),
        (time.to_owned(), "`v1=` and a signature in hex"),
        (format!("{time},v1="), "`v1=` and a signature in hex"),
        (format!("{time},v1=zz"), "`v1=` and a signature in hex"),
        (format!("{time},V1{}", &signature[2..]), "`v1=` and a signature in hex"),
        (format!("{time},v1=0x{}", &signature[3..]), "`v1=` and a signature in hex"),
        (format!("{time}{}", ",v1=00".repeat(33)), "a list of at most 32 signatures"),
    ] {
        let reason = request.with(HEADER, &value).reason();
        let is_empty = value.ends_with("v1=");
        // An empty signature is one that cannot match.
        let wanted = if is_empty { "no secret matches".to_owned() } else { expected(what) };
        assert_eq!(reason, wanted, "{value}");
    }
}

#[test]
fn one_signature_only_is_right() {
    let request = signed(Unit::Seconds);
    let header = request.value(HEADER);
    let whole = header.len();
    for wrong in [&header[..whole - 2], &header[..whole - 32], &format!("{header}00")] {
        assert_eq!(request.with(HEADER, wrong).refusal(), Rejection::NoSecretMatches, "{wrong}");
    }
}

/// Hex is a spelling of bytes: a sender that writes capitals signs the same.
#[test]
fn hex_in_capitals_is_the_same_signature() {
    let request = signed(Unit::Seconds);
    let (time, signature) = request.value(HEADER).split_once(",v1=").map_or_else(
        || panic!("two parts"),
        |(time, signature)| (time.to_owned(), signature.to_ascii_uppercase()),
    );

    request.with(HEADER, format!("{time},v1={signature}")).accepted();
}

#[test]
fn the_spelling_of_the_time_is_signed() {
    let request = signed(Unit::Seconds);
    let padded = request.value(HEADER).replace("t=", "t=0");

    assert_eq!(request.with(HEADER, padded).refusal(), Rejection::NoSecretMatches);
}

#[test]
fn missing_contradicting_and_foreign_headers_are_refused() {
    let request = signed(Unit::Seconds);
    let value = request.value(HEADER);

    assert_eq!(request.without(HEADER).refusal(), Rejection::MissingHeader(HEADER));
    assert_eq!(request.and(HEADER, "t=1,v1=00").reason(), expected("one value"));
    assert_eq!(request.with(HEADER, "t=1,v1=é").reason(), expected("visible ASCII"));
    assert_eq!(request.with(HEADER, b"t=1,v1=\xff").reason(), expected("visible ASCII"));
    request.and(HEADER, value).accepted();
}

#[test]
fn a_flood_of_signatures_costs_one_hmac() {
    let request = signed(Unit::Seconds);
    let body = vec![b'x'; 1 << 20];
    let header = request.value(HEADER);
    let (time, _) = header.split_once(',').expect("two parts");
    let flood = format!("{time}{}", format!(",v1={}", "00".repeat(32)).repeat(32));
    let flood = request.with(HEADER, flood).with_body(&body);
    let took = |request: &Request| {
        let began = std::time::Instant::now();
        request.refusal();
        began.elapsed()
    };

    let (one, many) = (took(&request.with_body(&body)), took(&flood));

    assert!(many < one * 8, "{one:?} for one, {many:?} for 32");
}
