//! Captured requests whose signature fails, each for another reason.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{OTHER_SECRET, doctor};
use crate::harness::{SECRET, Scratch, Signed, body};

/// What the doctor says of a request, after something was done to it.
async fn explained(signed: &Signed, change: impl FnOnce(String) -> String) -> Value {
    let headers: String =
        signed.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = String::from_utf8_lossy(&signed.body);
    let request =
        change(format!("POST /webhooks/{} HTTP/1.1\r\n{headers}\r\n{body}", signed.source));
    let check = explained_file(request.as_bytes()).await;

    assert!(!check.to_string().contains(&signed.signature), "{check}");
    check
}

/// What the doctor says of the first request in a file.
pub(super) async fn explained_file(request: &[u8]) -> Value {
    let scratch = Scratch::new().await;
    let file = scratch.path().join("request.http");
    std::fs::write(&file, request).expect("a file");
    let environment = [("CLERK_WEBHOOK_SECRET", SECRET), ("STACK_WEBHOOK_SECRET", OTHER_SECRET)];

    let arguments = ["--file", file.to_str().expect("UTF-8")];
    let (mut checks, said) = doctor(&environment, &arguments).await;

    let check = checks.remove(0);
    assert_eq!(said.code, i32::from(check["verdict"] == "fail"), "{said:?}");
    assert!(!said.out.contains("ada@example.com"), "{said:?}");
    check
}

pub(super) fn assert_found(check: &Value, words: &str) {
    assert_eq!(check["verdict"], "fail", "{check}");
    assert!(check["found"].as_str().expect("text").contains(words), "{check}");
}

fn signed() -> Signed {
    Signed::new(
        "clerk",
        body("clerk", "user.created", "user_1", &json!({ "first_name": "Zoë/Œ" })).to_string(),
    )
}

/// Signed over these bytes, sent with those.
async fn changed(sent: &str, arrived: &str) -> Value {
    let mut signed = Signed::new("clerk", sent);
    signed.body = arrived.into();
    explained(&signed, |request| request).await
}

#[tokio::test]
async fn a_right_request_is_right() {
    let check = explained(&signed(), |request| request).await;

    assert_eq!(
        (&check["verdict"], &check["found"]),
        (&json!("ok"), &json!("the signature is right: secret 1 of clerk"))
    );
}

#[tokio::test]
async fn an_old_request_has_a_valid_signature_but_is_too_old() {
    let old = signed().sent_at(Timestamp::now().as_second() - 7200);

    let check = explained(&old, |request| request).await;

    assert_eq!(check["verdict"], "warn");
    assert!(check["advice"].as_str().is_some_and(|advice| advice.contains("s ago")), "{check}");
}

#[tokio::test]
async fn the_check_says_by_how_much_the_senders_clock_is_ahead() {
    let ahead = signed().sent_at(Timestamp::now().as_second() + 7200);

    let check = explained(&ahead, |request| request).await;

    assert_eq!(check["verdict"], "fail");
    let advice = check["advice"].as_str().expect("advice");
    assert!(advice.contains("s in the future") && advice.contains("clock"), "{advice}");
}

#[tokio::test]
async fn missing_headers_are_named() {
    for header in ["svix-id", "svix-timestamp", "svix-signature"] {
        let check =
            explained(&signed(), |request| request.replace(&format!("{header}:"), "x-other:"))
                .await;
        assert_found(&check, &format!("the header {header} is missing"));
    }
}

#[tokio::test]
async fn signatures_that_were_mangled_are_recognised() {
    let without_prefix = explained(&signed(), |request| request.replace("v1,", "")).await;
    assert_found(&without_prefix, "the prefix `v1,` is missing");

    let mut quoted = signed();
    quoted.signature = format!("\"{}\"", quoted.signature);
    assert_found(&explained(&quoted, |request| request).await, "quotes or blanks");

    let mut in_hex = signed();
    let bytes = base64(&in_hex.signature[3..]);
    in_hex.signature = format!("v1,{}", hex(&bytes));
    assert_found(&explained(&in_hex, |request| request).await, "is in hex");

    let mut of_urls = signed();
    of_urls.signature = of_urls.signature.replace('+', "-").replace('/', "_").replace('=', "");
    assert_found(&explained(&of_urls, |request| request).await, "alphabet of URLs");
}

#[tokio::test]
async fn signatures_that_are_none_are_recognised() {
    let mut broken = signed();
    broken.signature = "v1,***".into();
    assert_found(&explained(&broken, |request| request).await, "not base64");

    let mut cut = signed();
    cut.signature.truncate(19);
    assert_found(&explained(&cut, |request| request).await, "not the length of an HMAC-SHA256");
}

#[tokio::test]
async fn a_timestamp_in_milliseconds_is_recognised() {
    let now = Timestamp::now().as_millisecond();

    assert_found(&explained(&signed().sent_at(now), |request| request).await, "milliseconds");
}

#[tokio::test]
async fn the_secret_of_another_source_is_recognised() {
    let other = signed().signed_with(b"another secret of the tests");

    assert_found(&explained(&other, |request| request).await, "signed with the secret of stack");
}

#[tokio::test]
async fn a_sender_that_does_not_decode_the_secret_is_recognised() {
    let literal = signed().signed_with(SECRET.trim_start_matches("whsec_").as_bytes());

    assert_found(&explained(&literal, |request| request).await, "the text of the secret");
}

#[tokio::test]
async fn bodies_that_were_printed_again_are_recognised() {
    let value = json!({ "type": "user.created", "data": { "id": "user_1", "tags": [1, 2], "none": [], "name": "Zoë \"Z\", ok: yes" } });
    let minified = value.to_string();
    let pretty = serde_json::to_string_pretty(&value).expect("JSON");

    assert_found(&changed(&minified, &pretty).await, "when it is minified");
    assert_found(&changed(&pretty, &minified).await, "when it is pretty-printed with two blanks");
    assert_found(&changed(&pretty.replace("  ", "    "), &minified).await, "four blanks");
    assert_found(
        &changed(&minified.replace("ë", "\\u00eb"), &minified).await,
        "its letters are \\u escapes",
    );
    assert_found(
        &changed(&minified, &minified.replace("ë", "\\u00eb")).await,
        "its \\u escapes are letters",
    );
    assert_found(&changed(&format!("{minified}\n"), &minified).await, "with a new line at its end");
    assert_found(
        &changed(&minified, &format!("  {minified}")).await,
        "without the blanks around it",
    );
}

#[tokio::test]
async fn a_wrong_secret_stays_unexplained_and_says_what_to_try() {
    let check = explained(&signed().signed_with(b"an unknown secret"), |request| request).await;

    assert_found(&check, "no secret matches");
    assert!(check["advice"].as_str().is_some_and(|advice| advice.contains("rotated")), "{check}");
}

#[tokio::test]
async fn a_source_that_is_not_configured_is_reported() {
    let check =
        explained(&signed(), |request| request.replace("/webhooks/clerk", "/webhooks/clark")).await;

    assert_found(&check, "not configured; configured: clerk, stack");
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
