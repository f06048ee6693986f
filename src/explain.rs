//! Why a request is refused: the known mistakes are tried one by one, until one of them makes the signature right.

mod arrival;
mod body;
mod private;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use crate::capture::Capture;
use crate::signature::{Rejection, Secret};
use crate::webhook::{Delivery, Source, Verdict};

pub use body::{Excerpt, pretty};
pub use private::{Discreet, discreet};

/// What is wrong with a request, and what to do. Never quotes a header, a body or a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether it would be accepted, had it come when it was signed.
    pub accepted: bool,
    pub found: String,
    pub advice: String,
}

/// Seconds that a sender's clock may be off.
const TOLERANCE: i64 = 300;
/// A number of seconds that is none before the year 5138: whoever writes it counts milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// Explains a request to `source`; the secrets of `all` are tried, too.
pub fn explain(capture: &Capture, source: &Source, all: &[Source], now: Timestamp) -> Diagnosis {
    let Capture { headers, body, .. } = capture;
    match verify(source, headers, body, capture) {
        Ok(delivery) => right(capture, source, delivery, now),
        Err(Rejection::MissingHeader(header)) => wrong(
            format!("the header {header} is missing"),
            "nobody signed it, or a proxy drops the header: let svix-id, svix-timestamp and svix-signature through",
        ),
        Err(rejection) => tricks(capture, source, all).unwrap_or_else(|| unexplained(&rejection)),
    }
}

fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Diagnosis {
    Diagnosis { accepted: false, found: found.into(), advice: advice.into() }
}

/// By the sender's own clock, so that only the signature is judged.
fn verify(
    source: &Source,
    headers: &HeaderMap,
    body: &Bytes,
    capture: &Capture,
) -> Result<Delivery, Rejection> {
    let now = capture.sent_at().unwrap_or_else(Timestamp::now);
    source.verify(headers, body.clone(), now)
}

fn right(capture: &Capture, source: &Source, delivery: Delivery, now: Timestamp) -> Diagnosis {
    let age = capture.sent_at().map_or(0, |sent_at| now.as_second() - sent_at.as_second());
    let secret = delivery.secret().unwrap_or_default() + 1;
    let found = format!("the signature is right: secret {secret} of {}", source.name);
    if age < -TOLERANCE {
        let advice = format!(
            "it is dated {} s in the future: the sender's clock is ahead, or this machine's is behind (`timedatectl`)",
            -age
        );
        return wrong(found, advice);
    }
    if let Some((problem, advice)) = useless(capture, source, delivery) {
        return Diagnosis { accepted: true, found: format!("{found}, but {problem}"), advice };
    }
    let advice = if age > TOLERANCE {
        format!(
            "it was signed {age} s ago and would be refused as too old now; if it was when it came, this machine's clock was ahead, or something held it up"
        )
    } else {
        String::new()
    };
    Diagnosis { accepted: true, found, advice }
}

/// Why a request with a right signature does not help, and what to do.
fn useless(capture: &Capture, source: &Source, delivery: Delivery) -> Option<(String, String)> {
    let made_at = delivery.received_at();
    if let Verdict::Quarantined(reason) = delivery.decode(made_at).verdict {
        let advice = "the sender signs what cannot be read: look at how it makes its bodies";
        let Diagnosis { found, advice, .. } =
            arrival::damaged(capture).unwrap_or_else(|| wrong(reason, advice));
        return Some((format!("it would be quarantined: {found}"), advice));
    }
    if let Some(elsewhere) = arrival::misdirected(capture, source) {
        return Some(elsewhere);
    }
    let encoding = capture.compression()?;
    Some((
        format!("the head says content-encoding: {encoding}"),
        "the capture shows the body decompressed: if it is compressed when the service gets it, the signature does not match; let nothing on the way compress it".into(),
    ))
}

fn unexplained(rejection: &Rejection) -> Diagnosis {
    match rejection {
        Rejection::MalformedHeader { .. } => {
            wrong(rejection.to_string(), "look at how the header was made or copied")
        }
        _ => wrong(
            "no secret matches, and none of the known mistakes explains it",
            "copy the endpoint's signing secret (whsec_…) once more: it may have been rotated, or be that of another endpoint; or the captured body is not what was sent, to the byte",
        ),
    }
}

fn tricks(capture: &Capture, source: &Source, all: &[Source]) -> Option<Diagnosis> {
    milliseconds(capture)
        .or_else(|| another_source(capture, source, all))
        .or_else(|| signature_header(capture, source))
        .or_else(|| arrival::several_signatures(capture, source))
        .or_else(|| literal_secret(capture, source))
        .or_else(|| arrival::undone(capture, source))
        .or_else(|| changed_body(capture, source))
        .or_else(|| arrival::damaged(capture))
        .or_else(|| unreadable_signature(capture))
}

fn milliseconds(capture: &Capture) -> Option<Diagnosis> {
    let timestamp = text(&capture.headers, "timestamp")?.parse::<i64>().ok()?;
    (timestamp > MILLISECONDS).then(|| {
        wrong("the timestamp counts milliseconds", "sign and send whole seconds since 1970")
    })
}

fn another_source(capture: &Capture, source: &Source, all: &[Source]) -> Option<Diagnosis> {
    let mut others = all.iter().filter(|other| other.name != source.name);
    let other = others.find(|o| verify(o, &capture.headers, &capture.body, capture).is_ok())?;
    Some(wrong(
        format!("it is signed with the secret of {}", other.name),
        format!(
            "the sender posts to /webhooks/{}, but means /webhooks/{}; or the two secrets are exchanged",
            source.name, other.name
        ),
    ))
}

/// The signature without `v1,`, in quotes, in the alphabet of URLs, or in hex.
fn signature_header(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    let signature = text(&capture.headers, "signature")?;
    let bare = signature.trim_matches(['"', '\'', ' ']);
    let after =
        bare.strip_prefix("v1,").or_else(|| bare.strip_prefix("v1=")).unwrap_or(bare).trim();
    let from_hex = hex::decode(after).map(|bytes| STANDARD.encode(bytes));
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    let attempts = [
        (
            format!("v1,{after}"),
            "does not read `v1,<base64>`: the prefix `v1,` is missing, or there are quotes or blanks around it",
        ),
        (
            format!("v1,{}", padded(&after.replace('-', "+").replace('_', "/"))),
            "is in the alphabet of URLs, or has lost its padding",
        ),
        (format!("v1,{}", from_hex.unwrap_or_default()), "is in hex"),
    ];
    attempts.into_iter().find_map(|(mended, what)| {
        let mut headers = capture.headers.clone();
        let name = named(&headers, "signature")?;
        headers.insert(name, HeaderValue::from_str(&mended).ok()?);
        verify(source, &headers, &capture.body, capture).ok()?;
        Some(wrong(
            format!("the signature is right, but its header {what}"),
            "the header has to arrive as the sender makes it: `v1,` and the base64 of the HMAC",
        ))
    })
}

/// A sender that signs with the text of the secret, not with the bytes that it stands for.
fn literal_secret(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    let literal = |secret: &Secret| {
        let text = secret.to_text();
        let bare = text.trim_start_matches("whsec_").to_owned();
        [text, bare].map(|text| Secret::from_bytes(text.into_bytes()))
    };
    let secrets = source.secrets.iter().flat_map(literal).collect();
    let literal = Source { secrets, ..source.clone() };
    verify(&literal, &capture.headers, &capture.body, capture).ok()?;
    Some(wrong(
        "it is signed with the text of the secret",
        "the key is what follows `whsec_`, decoded from base64: mend the sender",
    ))
}

fn changed_body(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    // What an editor has made longer goes beyond what the head says.
    let longer = (capture.rest != capture.body).then_some(&capture.rest);
    let bodies = std::iter::once(&capture.body).chain(longer);
    bodies.flat_map(body::variants).find_map(|(body, what)| {
        verify(source, &capture.headers, &body, capture).ok()?;
        Some(wrong(
            format!("the body was changed on its way: it matches {what}"),
            "something between the sender and us parses the body and prints it again, or an editor changed the file: pass the bytes through as they are",
        ))
    })
}

fn unreadable_signature(capture: &Capture) -> Option<Diagnosis> {
    let signatures = text(&capture.headers, "signature")?;
    let version_one = signatures.split_ascii_whitespace().filter_map(|s| s.strip_prefix("v1,"));
    let bytes: Vec<_> = version_one.map(|signature| STANDARD.decode(signature).ok()).collect();
    let advice = "it was cut or changed when it was copied or passed on";
    if bytes.iter().any(Option::is_none) {
        return Some(wrong("the signature is not base64", advice));
    }
    bytes
        .iter()
        .flatten()
        .any(|bytes| bytes.len() != 32)
        .then(|| wrong("the signature has not the length of an HMAC-SHA256, 32 bytes", advice))
}

fn named(headers: &HeaderMap, what: &str) -> Option<http::HeaderName> {
    ["svix", "webhook"].iter().find_map(|prefix| {
        let name = http::HeaderName::try_from(format!("{prefix}-{what}")).ok()?;
        headers.contains_key(&name).then_some(name)
    })
}

fn text<'a>(headers: &'a HeaderMap, what: &str) -> Option<&'a str> {
    Some(headers.get(named(headers, what)?)?.to_str().ok()?.trim())
}
