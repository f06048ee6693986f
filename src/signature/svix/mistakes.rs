//! Known damage to the headers of Svix and Standard Webhooks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};

use super::{SIGNATURE, TIMESTAMP, name_in, text};
use crate::signature::{Mended, Mistake, Secret};

pub(super) fn milliseconds(headers: &HeaderMap) -> Option<Mistake> {
    Mistake::milliseconds(text(headers, TIMESTAMP)?.parse().ok()?)
}

pub(super) fn mended(headers: &HeaderMap) -> Vec<Mended> {
    let Some(name) = name_in(headers, SIGNATURE) else { return Vec::new() };
    let with = |(signature, mistake): (String, Mistake)| {
        let mut headers = headers.clone();
        headers.insert(name, HeaderValue::from_str(&signature).ok()?);
        Some(Mended { headers, mistake })
    };
    rewritten(headers).into_iter().chain(separated(headers, name)).filter_map(with).collect()
}

/// The signature without `v1,`, in quotes, in the alphabet of URLs, or in hex.
fn rewritten(headers: &HeaderMap) -> Vec<(String, Mistake)> {
    let Some(signature) = text(headers, SIGNATURE) else { return Vec::new() };
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
    let mistake = |what| Mistake {
        found: format!("the signature is right, but its header {what}"),
        advice: "the header has to arrive as the sender makes it: `v1,` and the base64 of the HMAC",
    };
    attempts.into_iter().map(|(signature, what)| (signature, mistake(what))).collect()
}

/// Each signature of several lines, or of a list that a proxy joined by commas.
fn separated(headers: &HeaderMap, name: &str) -> Vec<(String, Mistake)> {
    let lines: Vec<_> =
        headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    let list = lines.join(" ").replace(",v1,", " v1,");
    if lines.len() == 1 && list == lines[0] {
        return Vec::new();
    }
    let how = if lines.len() > 1 {
        "in one of several header lines"
    } else {
        "in a list that is joined by commas"
    };
    let mistake = || Mistake {
        found: format!("the signature is right, but it stands {how}"),
        advice: "signatures stand in one header, with blanks between them: a proxy that repeats or joins headers has to leave this one alone",
    };
    list.split_ascii_whitespace().map(|signature| (signature.to_owned(), mistake())).collect()
}

pub(super) fn unreadable_signature(headers: &HeaderMap) -> Option<Mistake> {
    let signatures = text(headers, SIGNATURE)?;
    let version_one = signatures.split_ascii_whitespace().filter_map(|s| s.strip_prefix("v1,"));
    let bytes: Vec<_> = version_one.map(|signature| STANDARD.decode(signature).ok()).collect();
    let mistake = |found: &str| {
        let advice = "it was cut or changed when it was copied or passed on";
        Some(Mistake { found: found.to_owned(), advice })
    };
    if bytes.iter().any(Option::is_none) {
        return mistake("the signature is not base64");
    }
    if bytes.iter().flatten().any(|bytes| bytes.len() != 32) {
        return mistake("the signature has not the length of an HMAC-SHA256, 32 bytes");
    }
    None
}

pub(super) fn undecoded(secret: &Secret) -> Vec<Secret> {
    let text = secret.to_text();
    let bare = text.trim_start_matches("whsec_").to_owned();
    [text, bare].map(|text| Secret::from_bytes(text.into_bytes())).into()
}
