//! Why a request is refused: the known mistakes are tried one by one, until one of them makes the signature right.

mod arrival;
mod body;
mod private;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use crate::capture::Capture;
use crate::signature::{Mended, Mistake, Rejection};
use crate::webhook::{Delivery, Source, Verdict};

pub use body::{Excerpt, pretty};
pub use private::{Discreet, discreet};

/// The fault of a request and its remedy. Never quotes a header, a body or a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Whether it would have been accepted at the time of its signature.
    pub accepted: bool,
    pub found: String,
    pub advice: String,
}

impl From<Mistake> for Diagnosis {
    fn from(Mistake { found, advice }: Mistake) -> Self {
        wrong(found, advice)
    }
}

/// Explains a request to `source`; the secrets of `all` are tried, too.
pub fn explain(capture: &Capture, source: &Source, all: &[Source], now: Timestamp) -> Diagnosis {
    let scheme = source.provider.scheme;
    if let Some(mistake) = scheme.wrong_unit(&capture.headers) {
        return mistake.into();
    }
    match verify(source, &capture.headers, &capture.body) {
        Ok(delivery) => right(capture, source, delivery, now),
        Err(Rejection::MissingHeader(header)) => wrong(
            format!("the header {header} is missing"),
            format!(
                "the request is not signed, or a proxy drops the header: let {} through",
                scheme.headers()
            ),
        ),
        Err(rejection) => {
            tricks(capture, source, all).unwrap_or_else(|| unexplained(source, &rejection))
        }
    }
}

fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Diagnosis {
    Diagnosis { accepted: false, found: found.into(), advice: advice.into() }
}

/// Verifies at the time of the sender's clock, so that only the signature matters.
fn verify(source: &Source, headers: &HeaderMap, body: &Bytes) -> Result<Delivery, Rejection> {
    let now = source.provider.scheme.sent_at(headers, body).unwrap_or_else(Timestamp::now);
    source.verify(headers, body.clone(), now)
}

fn right(capture: &Capture, source: &Source, delivery: Delivery, now: Timestamp) -> Diagnosis {
    let scheme = source.provider.scheme;
    let sent_at = scheme.sent_at(&capture.headers, &capture.body);
    let age = sent_at.map_or(0, |sent_at| now.as_second() - sent_at.as_second());
    let key = match delivery.secret() {
        Some(place) => format!("secret {}", place + 1),
        None => "a published key".to_owned(),
    };
    let found = format!("the signature is right: {key} of {}", source.name);
    let tolerance = scheme.tolerance().unwrap_or(i64::MAX);
    if age < tolerance.saturating_neg() {
        let advice = format!(
            "it is dated {} s in the future: the sender's clock is ahead, or this machine's is behind (`timedatectl`)",
            -age
        );
        return wrong(found, advice);
    }
    if let Some((problem, advice)) = useless(capture, source, delivery) {
        return Diagnosis { accepted: true, found: format!("{found}, but {problem}"), advice };
    }
    let advice = if age > tolerance {
        format!(
            "it was signed {age} s ago and would be refused as too old now; if it was when it came, this machine's clock was ahead, or something held it up"
        )
    } else {
        String::new()
    };
    Diagnosis { accepted: true, found, advice }
}

/// Why a request with a valid signature is still not processed, and the remedy.
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

fn unexplained(source: &Source, rejection: &Rejection) -> Diagnosis {
    let advice = match rejection {
        Rejection::MissingHeader(_) | Rejection::MalformedHeader { .. } => {
            "look at how the header was made or copied"
        }
        Rejection::MalformedBody(_) => "look at how the body was made or copied",
        Rejection::UnknownKey => {
            "the provider may have withdrawn the key, or the address of the key set is that of another environment"
        }
        Rejection::OtherBody => {
            "the body was changed on its way, or the captured body is not what was sent, to the byte"
        }
        Rejection::TooOld(_) | Rejection::TooNew(_) => {
            "the token was not valid when it was signed, or says not when that was: capture a new request"
        }
        Rejection::NoSecretMatches => {
            let example = source.provider.scheme.secrets().example();
            return wrong(
                "no secret matches, and none of the known mistakes explains it",
                format!(
                    "copy the endpoint's signing secret{example} once more: it may have been rotated, or be that of another endpoint; or the captured body is not what was sent, to the byte"
                ),
            );
        }
    };
    wrong(rejection.to_string(), advice)
}

fn tricks(capture: &Capture, source: &Source, all: &[Source]) -> Option<Diagnosis> {
    let (scheme, headers) = (source.provider.scheme, &capture.headers);
    another_source(capture, source, all)
        .or_else(|| changed_headers(capture, source))
        .or_else(|| undecoded_secret(capture, source))
        .or_else(|| arrival::undone(capture, source))
        .or_else(|| changed_body(capture, source))
        .or_else(|| arrival::damaged(capture))
        .or_else(|| scheme.unreadable_signature(headers).map(Diagnosis::from))
}

fn another_source(capture: &Capture, source: &Source, all: &[Source]) -> Option<Diagnosis> {
    let mut others = all.iter().filter(|other| other.name != source.name);
    let other = others.find(|other| verify(other, &capture.headers, &capture.body).is_ok())?;
    Some(wrong(
        format!("it is signed with the secret of {}", other.name),
        format!(
            "the sender posts to /webhooks/{}, but means /webhooks/{}; or the two secrets are exchanged",
            source.name, other.name
        ),
    ))
}

fn changed_headers(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    let mended = source.provider.scheme.mended(&capture.headers).into_iter();
    mended
        .filter(|Mended { headers, .. }| verify(source, headers, &capture.body).is_ok())
        .map(|Mended { mistake, .. }| mistake.into())
        .next()
}

/// A sender that signs with the text of the secret, not with the bytes that it stands for.
fn undecoded_secret(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    let scheme = source.provider.scheme;
    let secrets = source.secrets.iter().flat_map(|secret| scheme.undecoded(secret)).collect();
    let undecoded = Source { secrets, ..source.clone() };
    verify(&undecoded, &capture.headers, &capture.body).ok()?;
    Some(wrong(
        "it is signed with the text of the secret",
        "the key is what follows `whsec_`, decoded from base64: correct the sender",
    ))
}

fn changed_body(capture: &Capture, source: &Source) -> Option<Diagnosis> {
    // An editor may have lengthened the body beyond the length in the head.
    let longer = (capture.rest != capture.body).then_some(&capture.rest);
    let bodies = std::iter::once(&capture.body).chain(longer);
    bodies.flat_map(body::variants).find_map(|(body, what)| {
        verify(source, &capture.headers, &body).ok()?;
        Some(wrong(
            format!("the body was changed on its way: it matches {what}"),
            "something between the sender and us parses the body and prints it again, or an editor changed the file: pass the bytes through as they are",
        ))
    })
}
