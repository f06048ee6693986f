//! Captured requests that something on the way, or the capture itself, has damaged.

use std::io::Write;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::file::{assert_found, explained_file};
use crate::harness::{SECRET, Scratch, Signed, body, run};

fn user() -> String {
    body("clerk", "user.created", "user_1", &json!({ "first_name": "Zoë" })).to_string()
}

/// A request with these lines besides the signed ones, and with this body instead of the signed one.
fn request(signed: &Signed, lines: &str, body: &[u8]) -> Vec<u8> {
    let headers: String =
        signed.headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST /webhooks/{} HTTP/1.1\r\n{headers}{lines}\r\n", signed.source);
    [head.as_bytes(), body].concat()
}

async fn explained(signed: &Signed, lines: &str, body: &[u8]) -> Value {
    explained_file(&request(signed, lines, body)).await
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

fn assert_right(check: &Value) {
    assert_eq!(
        (&check["verdict"], &check["found"]),
        (&json!("ok"), &json!("the signature is right: secret 1 of clerk")),
        "{check}"
    );
}

/// It is accepted, and of no use.
fn assert_warned(check: &Value, words: &str) {
    assert_eq!(check["verdict"], "warn", "{check}");
    assert!(check["found"].as_str().expect("text").contains(words), "{check}");
    assert!(check["advice"].as_str().is_some_and(|advice| advice.len() > 20), "{check}");
}

#[tokio::test]
async fn a_compressed_body_is_found_by_its_bytes_and_by_its_head() {
    let signed = Signed::new("clerk", user());
    let strange = signed.clone().signed_with(b"an unknown secret");
    let packed = gzip(&signed.body);
    let as_text = String::from_utf8_lossy(&packed).into_owned();
    for lines in ["", "content-encoding: gzip\r\n"] {
        let undone = explained(&signed, lines, &packed).await;
        assert_found(&undone, "compressed, and matches when it is decompressed");

        let unknown = explained(&strange, lines, &packed).await;
        assert_found(&unknown, "the body is compressed (gzip)");

        let mangled = explained(&signed, lines, as_text.as_bytes()).await;
        assert_found(&mangled, "the body is compressed (gzip)");
    }
    for (encoding, named) in [("br", "br"), ("Deflate", "deflate"), ("secret", "not known here")] {
        let lines = format!("content-encoding: {encoding}\r\n");
        let other = explained(&signed, &lines, b"\x0b\x02\x80\x7f").await;
        assert_found(&other, "the body is compressed (content-encoding: ");
        assert_found(&other, named);
    }
}

#[tokio::test]
async fn a_compressed_body_with_its_own_signature_would_be_quarantined() {
    let signed = Signed::new("clerk", gzip(user().as_bytes()));

    let check = explained(&signed, "content-encoding: gzip\r\n", &signed.body).await;

    assert_warned(&check, "it would be quarantined: the body is compressed (gzip)");
}

#[tokio::test]
async fn a_body_that_the_capture_decompressed_is_reported() {
    let signed = Signed::new("clerk", user());

    let plain = explained(&signed, "Content-Encoding: gzip\r\n", &signed.body).await;
    let with_length = "Content-Encoding: gzip\r\nContent-Length: 40\r\n";
    let cut_short = explained(&signed, with_length, &signed.body).await;

    assert_warned(&plain, "the head says content-encoding: gzip");
    assert_found(&cut_short, "content-length names fewer bytes");
}

#[tokio::test]
async fn an_empty_body_is_found_however_the_capture_ends() {
    let signed = Signed::new("clerk", user());
    let promised = format!("content-length: {}\r\n", signed.body.len());
    for end in ["", "\n", "\r\n\r\n"] {
        assert_found(&explained(&signed, "", end.as_bytes()).await, "the body is empty");
        let check = explained(&signed, &promised, end.as_bytes()).await;
        let words = format!("although content-length names {} bytes", signed.body.len());
        assert_found(&check, &words);
    }
    let unfinished = request(&signed, &promised, b"");
    let without_blank_line = explained_file(unfinished.trim_ascii_end()).await;
    assert_found(&without_blank_line, "the body is empty, although");

    let signed_empty = Signed::new("clerk", "");
    let check = explained(&signed_empty, "content-length: 0\r\n", b"").await;
    assert_warned(&check, "it would be quarantined: the body is empty");
}

#[tokio::test]
async fn a_cut_body_is_found_by_its_length() {
    let signed = Signed::new("clerk", user());
    let length = signed.body.len();
    let lines = format!("content-length: {length}\r\n");
    for kept in [1, length / 2, length - 1] {
        let check = explained(&signed, &lines, &signed.body[..kept]).await;
        assert_found(&check, &format!("content-length names {length} bytes, and there are {kept}"));
    }
    assert_right(&explained(&signed, &lines, &signed.body).await);
}

#[tokio::test]
async fn chunk_sizes_are_no_part_of_the_body() {
    let signed = Signed::new("clerk", user());
    let (first, second) = signed.body.split_at(10);
    let chunks = |end: &str| {
        let (first, second) = (String::from_utf8_lossy(first), String::from_utf8_lossy(second));
        let size = second.len();
        format!("a;name=value{end}{first}{end}{size:X}{end}{second}{end}0{end}{end}")
    };
    let chunked = "transfer-encoding: chunked\r\n";
    for end in ["\r\n", "\n"] {
        let whole = chunks(end);
        assert_right(&explained(&signed, chunked, whole.as_bytes()).await);
        let without_line = explained(&signed, "", whole.as_bytes()).await;
        assert_found(&without_line, "without the sizes of its chunks");
        let cut = explained(&signed, chunked, &whole.as_bytes()[..40]).await;
        assert_found(&cut, "the body is cut: the sizes of its chunks");
    }
    assert_right(&explained(&signed, chunked, &signed.body).await);
}

#[tokio::test]
async fn one_right_signature_of_several_is_recognised() {
    let signed = Signed::new("clerk", user());
    let other = signed.clone().signed_with(b"an unknown secret").signature;
    let right = &signed.signature;
    let values = [
        format!("{other}\r\nsvix-signature: {right}"),
        format!("{right}\r\nsvix-signature: {other}"),
        format!("{other},{right}"),
        format!("{right},{other}"),
        format!("{other}, {right}"),
        format!("{other} {right}"),
        format!("v1a,AAAA\r\nsvix-signature: {other},{right}"),
    ];
    for value in values {
        let mut several = signed.clone();
        several.signature.clone_from(&value);
        let check = explained(&several, "", &signed.body).await;
        assert!(
            check["found"].as_str().expect("text").contains("the signature is right"),
            "{check}"
        );
    }
}

#[tokio::test]
async fn a_byte_order_mark_and_mixed_line_ends_in_the_head_do_no_harm() {
    let signed = Signed::new("clerk", user());
    let request = request(&signed, "", &signed.body);
    let text = String::from_utf8(request).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a blank line");
    let unix = head.replace("\r\n", "\n");
    let files = [
        format!("\u{feff}{text}"),
        format!("{unix}\n\n{body}\n"),
        format!("{unix}\r\n\n{body}\r\n"),
        format!("{unix}\n\r\n{body}"),
        format!("{head}\r\n \r\n{body}"),
        format!("\r\n\n{head}\r\n\r\n{body}"),
    ];
    for file in files {
        assert_right(&explained_file(file.as_bytes()).await);
    }
}

#[tokio::test]
async fn a_body_that_was_wrapped_or_marked_is_recognised() {
    let signed = Signed::new("clerk", user());
    let marked = [b"\xef\xbb\xbf", &signed.body[..]].concat();
    let text = String::from_utf8(signed.body.clone()).expect("text");
    let pretty = serde_json::from_str::<Value>(&text).expect("JSON");
    let pretty = format!("{pretty:#}").replace('\n', "\r\n");
    let length = format!("content-length: {}\r\n", signed.body.len());

    assert_found(&explained(&signed, "", &marked).await, "without the byte order mark");
    let quoted = serde_json::to_string(&text).expect("a string");
    assert_found(&explained(&signed, "", quoted.as_bytes()).await, "out of a JSON string");
    let encoded = base64(&signed.body);
    assert_found(&explained(&signed, "", encoded.as_bytes()).await, "decoded from base64");
    assert_found(&explained(&signed, &length, pretty.as_bytes()).await, "when it is minified");
}

#[tokio::test]
async fn a_file_in_utf_16_is_named() {
    let signed = Signed::new("clerk", user());
    let text = String::from_utf8(request(&signed, "", &signed.body)).expect("text");
    let scratch = Scratch::new().await;
    let file = scratch.path().join("request.http");
    let units: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, units).expect("a file");

    let arguments = ["doctor", "--file", file.to_str().expect("UTF-8")];
    let said = run(&arguments, &[("CLERK_WEBHOOK_SECRET", SECRET)]).await;

    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("the file is UTF-16"), "{said:?}");
}

#[tokio::test]
async fn the_search_for_an_explanation_of_a_megabyte_ends_soon() {
    let megabyte = 1 << 20;
    for piece in ["[", "[ ] ", "1,", "\\u00eb"] {
        let signed = Signed::new("clerk", piece.repeat(megabyte / piece.len()));
        let strange = signed.clone().signed_with(b"an unknown secret");
        let began = Instant::now();

        let check = explained(&strange, "", &signed.body).await;

        assert_found(&check, "no secret matches");
        assert!(began.elapsed() < Duration::from_secs(60), "{piece}: {:?}", began.elapsed());
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_request_that_reaches_no_endpoint_is_warned_of() {
    let signed = Signed::new("clerk", user());
    let to = async |line: &str| {
        let request = String::from_utf8(request(&signed, "", &signed.body)).expect("text");
        explained_file(request.replacen("POST /webhooks/clerk", line, 1).as_bytes()).await
    };

    for right in ["POST //webhooks/clerk/?a=b", "POST https://example.com/webhooks/clerk"] {
        assert_right(&to(right).await);
    }
    for path in ["POST /webhooks/clerk/more", "POST https://example.com/hooks/webhooks/clerk"] {
        assert_warned(&to(path).await, "names another path than /webhooks/clerk");
    }
    assert_warned(&to("GET /webhooks/clerk").await, "another method than POST");
}
