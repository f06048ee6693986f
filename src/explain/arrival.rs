//! What happened to a request between its sender and the file that it was captured to.

use std::io::Read;

use flate2::read::GzDecoder;

use super::{Diagnosis, verify, wrong};
use crate::capture::{self, Capture};
use crate::webhook::Source;

/// The limit of a decompressed body: a small one can expand to gigabytes.
const LONGEST: u64 = 64 << 20;

/// The body matches once this change is undone.
pub(super) fn undone(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    let matches = |body: Option<Vec<u8>>| {
        verify(source, &capture.headers, &body?.into()).is_ok().then_some(())
    };
    if matches(Some(capture.rest.to_vec())).is_some() {
        return Some(longer_than_declared());
    }
    if matches(capture::without_chunk_sizes(&capture.rest)).is_some() {
        return Some(wrong(
            "the body matches without the sizes of its chunks",
            "the capture holds them as if they were the body: take them out, or keep the line `transfer-encoding: chunked`; if the service sees them too, a proxy passes them on wrongly",
        ));
    }
    [&capture.body, &capture.rest].into_iter().find_map(|body| matches(decompressed(body)))?;
    Some(wrong(
        "the body is compressed, and matches when it is decompressed",
        "the sender signs what it sends, and something on the way compresses it: switch that off for this path",
    ))
}

fn longer_than_declared() -> Diagnosis {
    wrong(
        "the signature is right for the whole body, but content-length names fewer bytes",
        "the body was decompressed, or its line ends or blanks were changed and changed back: pass the bytes and their content-length through as they are",
    )
}

fn decompressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    GzDecoder::new(body).take(LONGEST).read_to_end(&mut plain).ok()?;
    Some(plain)
}

/// The fault of the captured body, independent of the signature.
pub(super) fn damaged(capture: &Capture) -> Option<Diagnosis> {
    let Capture { body, rest, .. } = capture;
    if capture.is_chunked() && capture::without_chunk_sizes(rest).is_none() && is_sizes(rest) {
        return Some(wrong(
            "the body is cut: the sizes of its chunks promise more than there is",
            "capture it again, whole; if the service gets no more either, a proxy ends the request too soon",
        ));
    }
    if body.trim_ascii().is_empty() {
        let promised = match capture.declared_length() {
            Some(length) if length > 0 => format!(", although content-length names {length} bytes"),
            _ => String::new(),
        };
        return Some(wrong(
            format!("the body is empty{promised}"),
            "capture it before anything else reads it: a body can be read only once; if the service gets none either, a proxy drops it (a redirect makes a GET of a POST)",
        ));
    }
    if let Some(what) = compressed(capture) {
        return Some(wrong(
            format!("the body is compressed ({what})"),
            "the service verifies the bytes that arrive: let the sender sign what it sends and nothing on the way compress it, then capture it again",
        ));
    }
    let declared = capture.declared_length().filter(|_| !capture.is_chunked())?;
    (declared > body.len()).then(|| {
        wrong(
            format!("the body is cut: content-length names {declared} bytes, and there are {}", body.len()),
            "capture it again, whole: some logs keep only the first bytes; if the service gets no more either, a proxy limits the length of bodies",
        )
    })
}

/// The fault of a first line that does not name the source's endpoint, and its remedy.
pub(super) fn misdirected(capture: &Capture, source: &Source) -> Option<(String, String)> {
    let mut words = capture.request_line.as_deref()?.split_ascii_whitespace();
    let (method, address) = (words.next()?, words.next()?);
    if method != "POST" {
        return Some((
            "its first line asks for another method than POST".into(),
            "the service takes nothing else: a redirect makes a GET of a POST, so give the provider the address that it leads to".into(),
        ));
    }
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    (segments != ["webhooks", &*source.name]).then(|| (
        format!("its first line names another path than /webhooks/{}", source.name),
        "the service has nothing there: correct the address at the provider; or, if a proxy changes the path after this capture, all is well".into(),
    ))
}

/// Whether it begins as a chunk does.
fn is_sizes(rest: &[u8]) -> bool {
    let size = rest.split(|byte| b";\r\n".contains(byte)).next().unwrap_or_default().trim_ascii();
    (1..=8).contains(&size.len()) && size.iter().all(u8::is_ascii_hexdigit)
}

/// How the body is compressed, in words.
pub(super) fn compressed(capture: &Capture) -> Option<String> {
    // An editor or a terminal turns the second byte into a replacement character.
    const GZIP: [&[u8]; 2] = [b"\x1f\x8b", b"\x1f\xef\xbf\xbd"];
    if GZIP.iter().any(|magic| capture.body.starts_with(magic)) {
        return Some("gzip".into());
    }
    // A body that can be read was decompressed before it was captured.
    let is_text = std::str::from_utf8(&capture.body).is_ok_and(|text| text.starts_with(['{', '[']));
    let named = capture.compression().filter(|_| !is_text)?;
    Some(format!("content-encoding: {named}"))
}
