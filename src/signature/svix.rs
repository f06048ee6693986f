//! Svix and Standard Webhooks: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

pub(super) mod mistakes;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;

use svix::webhooks::Webhook;

use super::{Proof, Rejection, Secret, Unsignable};
use crate::ksuid;
use crate::model::DeliveryId;

pub(super) const TOLERANCE: i64 = 300;

/// The limit of signatures in one request: a sender that rotates its secret sends two.
const MOST_SIGNATURES: usize = 32;

/// The name that Svix gives a header, and the one of Standard Webhooks.
type Names = (&'static str, &'static str);

const ID: Names = ("svix-id", "webhook-id");
const TIMESTAMP: Names = ("svix-timestamp", "webhook-timestamp");
const SIGNATURE: Names = ("svix-signature", "webhook-signature");

pub(super) const HEADERS: &str = "svix-id, svix-timestamp and svix-signature";

/// The prefix of an id of Svix, before the KSUID.
const ID_PREFIX: &str = "msg_";

pub(super) fn is_claimed(headers: &HeaderMap) -> bool {
    name_in(headers, SIGNATURE).is_some()
}

pub(super) fn screen(headers: &HeaderMap) -> Result<(), Rejection> {
    Claim::of(headers).map(|_| ())
}

pub(super) fn verify(
    secrets: &[Secret],
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Proof, Rejection> {
    let Claim { id, delivery, sent_at, signatures } = Claim::of(headers)?;
    let matching = secrets.iter().position(|secret| {
        let signed = STANDARD.encode(tag(secret, id, sent_at, body));
        // Every signature is compared whole, so that the time reveals nothing about the right one.
        signatures.iter().any(|s| verify_slices_are_equal(s.as_bytes(), signed.as_bytes()).is_ok())
    });
    let secret = matching.ok_or(Rejection::NoSecretMatches)?;
    within_tolerance(sent_at, now.as_second())?;
    Ok(Proof { id: delivery, secret })
}

fn tag(secret: &Secret, id: &str, sent_at: i64, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&secret.hmac);
    context.update(id.as_bytes());
    context.update(format!(".{sent_at}.").as_bytes());
    context.update(body);
    context.sign()
}

/// Signs with the library of the scheme's authors, so that our verification is not tested against our own signature.
pub(super) fn sign(
    secret: &Secret,
    id: &DeliveryId,
    sent_at: Timestamp,
    body: &str,
) -> Result<Vec<(&'static str, String)>, Unsignable> {
    let sent_at = sent_at.as_second();
    let webhook = Webhook::from_bytes(secret.expose().to_vec())?;
    let signature = webhook.sign(id.as_str(), sent_at, body.as_bytes())?;
    Ok(vec![(ID.0, id.to_string()), (TIMESTAMP.0, sent_at.to_string()), (SIGNATURE.0, signature)])
}

pub(super) fn sent_at(headers: &HeaderMap) -> Option<Timestamp> {
    Timestamp::from_second(text(headers, TIMESTAMP)?.parse().ok()?).ok()
}

pub(super) fn new_id(now: Timestamp) -> DeliveryId {
    let id = format!("{ID_PREFIX}{}", ksuid::new(now));
    DeliveryId::new(&id).expect("a KSUID is short and readable")
}

pub(super) fn made_at(id: &DeliveryId) -> Option<Timestamp> {
    id.as_str().strip_prefix(ID_PREFIX).and_then(ksuid::time)
}

/// The one of the two names that a request uses.
fn name_in(headers: &HeaderMap, (svix, unbranded): Names) -> Option<&'static str> {
    [svix, unbranded].into_iter().find(|name| headers.contains_key(*name))
}

fn text(headers: &HeaderMap, names: Names) -> Option<&str> {
    Some(headers.get(name_in(headers, names)?)?.to_str().ok()?.trim())
}

/// Checked after the signature: any sender can write a fresh time, and `too old` must mean that the body came through unchanged.
fn within_tolerance(sent_at: i64, now: i64) -> Result<(), Rejection> {
    let age = now.saturating_sub(sent_at);
    if age > TOLERANCE {
        return Err(Rejection::TooOld(age - TOLERANCE));
    }
    if age < -TOLERANCE {
        return Err(Rejection::TooNew(age.saturating_add(TOLERANCE).saturating_abs()));
    }
    Ok(())
}

/// The parsed headers of a request.
struct Claim<'a> {
    /// The id as it is signed.
    id: &'a str,
    delivery: DeliveryId,
    sent_at: i64,
    signatures: Vec<&'a str>,
}

impl<'a> Claim<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let id = Header::find(headers, ID)?;
        let timestamp = Header::find(headers, TIMESTAMP)?;
        let signatures = Header::find(headers, SIGNATURE)?;

        let text = id.single()?;
        let delivery = DeliveryId::new(text).ok_or(id.malformed("an id of 1 to 255 bytes"))?;
        let sent_at = seconds(&timestamp)?;
        Ok(Self { id: text, delivery, sent_at, signatures: version_one(&signatures)? })
    }
}

/// A header, which may have several lines.
struct Header<'a> {
    name: &'static str,
    lines: Vec<&'a str>,
}

impl<'a> Header<'a> {
    fn find(headers: &'a HeaderMap, names: Names) -> Result<Self, Rejection> {
        let name = name_in(headers, names).ok_or(Rejection::MissingHeader(names.0))?;
        let text = |value: &'a HeaderValue| value.to_str().map(str::trim);
        let lines = headers.get_all(name).iter().map(text).collect::<Result<_, _>>();
        let expected = "visible ASCII";
        let malformed = Rejection::MalformedHeader { header: name, expected };
        Ok(Self { name, lines: lines.map_err(|_| malformed)? })
    }

    /// The value that all lines share: if they differ, a proxy added one, and the signature does not show which.
    fn single(&self) -> Result<&'a str, Rejection> {
        let text = self.lines.first().copied().unwrap_or_default();
        let is_same = self.lines.iter().all(|line| *line == text);
        if is_same { Ok(text) } else { Err(self.malformed("one value")) }
    }

    fn malformed(&self, expected: &'static str) -> Rejection {
        Rejection::MalformedHeader { header: self.name, expected }
    }
}

fn seconds(timestamp: &Header<'_>) -> Result<i64, Rejection> {
    let text = timestamp.single()?;
    let malformed = || timestamp.malformed("a time in whole seconds since 1970");
    text.parse::<i64>().ok().filter(|seconds| *seconds >= 0).ok_or_else(malformed)
}

/// The `v1` signatures of all lists; other versions stand beside them and are skipped.
fn version_one<'a>(header: &Header<'a>) -> Result<Vec<&'a str>, Rejection> {
    let entries = header.lines.iter().flat_map(|line| line.split_ascii_whitespace());
    // Blanks separate entries; Supabase puts a comma before them, and a proxy that joins two lines may omit them.
    let signatures: Vec<_> = entries.flat_map(version_one_of).collect();
    if signatures.is_empty() {
        return Err(header.malformed("`v1,` and a base64 signature"));
    }
    if signatures.len() > MOST_SIGNATURES {
        return Err(header.malformed("a list of at most 32 signatures"));
    }
    Ok(signatures)
}

/// Of `v1,one,v1a,two,v1,three` the first and the third.
fn version_one_of(entry: &str) -> impl Iterator<Item = &str> {
    let parts = entry.split(',').zip(entry.split(',').skip(1));
    let is_version_one = |(version, part): &(&str, &str)| *version == "v1" && !part.is_empty();
    parts.filter(is_version_one).map(|(_, signature)| signature)
}
