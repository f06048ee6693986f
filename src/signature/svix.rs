//! Svix and Standard Webhooks: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.

mod mistakes;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;

use svix::webhooks::Webhook;

use super::header::Header;
use super::rejection::within;
use super::{
    Form, Keys, Mended, Message, Method, Mistake, Proof, Rejection, Secret, Signed, Unsignable,
};
use crate::ksuid;
use crate::model::DeliveryId;

/// The scheme has no parameters.
pub(super) struct Svix;

const TOLERANCE: i64 = 300;

/// The limit of signatures in one request: a sender that rotates its secret sends two.
const MOST_SIGNATURES: usize = 32;

/// Of Ed25519: each costs a pass over the body, which a stranger can make long.
const MOST_PUBLIC_SIGNATURES: usize = 4;

/// The name that Svix gives a header, and the one of Standard Webhooks.
type Names = (&'static str, &'static str);

const ID: Names = ("svix-id", "webhook-id");
const TIMESTAMP: Names = ("svix-timestamp", "webhook-timestamp");
const SIGNATURE: Names = ("svix-signature", "webhook-signature");

const HEADERS: &str = "svix-id, svix-timestamp and svix-signature";

const VERSION_ONE: &str = "`v1,` and a base64 signature";

/// The prefix of an id of Svix, before the KSUID.
const ID_PREFIX: &str = "msg_";

impl Method for Svix {
    fn headers(&self) -> String {
        HEADERS.to_owned()
    }

    fn secrets(&self) -> Form {
        Form::Encoded
    }

    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        name_in(headers, SIGNATURE).is_some()
    }

    fn tolerance(&self) -> Option<i64> {
        Some(TOLERANCE)
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        Claim::of(headers).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        let claim = Claim::of(headers)?;
        let matching = keys.secrets.iter().position(|secret| claim.is_signed_with(secret, body));
        let secret = Some(matching.ok_or_else(|| claim.refusal(keys.secrets))?);
        within(TOLERANCE, claim.sent_at, now.as_second())?;
        Ok(Proof { id: Some(claim.delivery), secret, content: None })
    }

    /// Signs with the library of the scheme's authors, so that our verification is not tested against our own signature.
    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let (id, body) = (message.id, message.body);
        let sent_at = message.sent_at.as_second();
        let signature = match secret.pair() {
            Some(pair) => {
                let signature = pair.sign(&signed(id.as_str(), sent_at, body.as_bytes()));
                format!("v1a,{}", STANDARD.encode(signature))
            }
            None => {
                let key = secret.shared().ok_or(Unsignable::NoPrivateKey)?.to_vec();
                Webhook::from_bytes(key)?.sign(id.as_str(), sent_at, body.as_bytes())?
            }
        };
        let headers = vec![
            (ID.0, id.to_string()),
            (TIMESTAMP.0, sent_at.to_string()),
            (SIGNATURE.0, signature),
        ];
        Ok(Signed::with(headers, message))
    }

    fn sent_at(&self, headers: &HeaderMap, _: &[u8]) -> Option<Timestamp> {
        Timestamp::from_second(text(headers, TIMESTAMP)?.parse().ok()?).ok()
    }

    fn new_id(&self, now: Timestamp) -> DeliveryId {
        let id = format!("{ID_PREFIX}{}", ksuid::new(now));
        DeliveryId::new(&id).expect("a KSUID is short and readable")
    }

    fn made_at(&self, id: &DeliveryId) -> Option<Timestamp> {
        id.as_str().strip_prefix(ID_PREFIX).and_then(ksuid::time)
    }

    fn wrong_unit(&self, headers: &HeaderMap) -> Option<Mistake> {
        mistakes::milliseconds(headers)
    }

    fn mended(&self, headers: &HeaderMap) -> Vec<Mended> {
        mistakes::mended(headers)
    }

    fn unreadable_signature(&self, headers: &HeaderMap) -> Option<Mistake> {
        mistakes::unreadable_signature(headers)
    }

    fn undecoded(&self, secret: &Secret) -> Vec<Secret> {
        mistakes::undecoded(secret)
    }
}

fn signed(id: &str, sent_at: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}.{sent_at}.").as_bytes(), body].concat()
}

fn tag(secret: &Secret, id: &str, sent_at: i64, body: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(secret.hmac());
    context.update(id.as_bytes());
    context.update(format!(".{sent_at}.").as_bytes());
    context.update(body);
    context.sign()
}

/// The one of the two names that a request uses.
fn name_in(headers: &HeaderMap, (svix, unbranded): Names) -> Option<&'static str> {
    [svix, unbranded].into_iter().find(|name| headers.contains_key(*name))
}

fn text(headers: &HeaderMap, names: Names) -> Option<&str> {
    Some(headers.get(name_in(headers, names)?)?.to_str().ok()?.trim())
}

/// The parsed headers of a request.
struct Claim<'a> {
    /// The id as it is signed.
    id: &'a str,
    delivery: DeliveryId,
    sent_at: i64,
    signatures: Vec<Signature<'a>>,
    signature_header: &'static str,
}

/// One signature of a list, in base64.
enum Signature<'a> {
    /// `v1`: HMAC-SHA256.
    Shared(&'a str),
    /// `v1a`: Ed25519.
    Public(&'a str),
}

impl<'a> Claim<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let id = find(headers, ID)?;
        let timestamp = find(headers, TIMESTAMP)?;
        let signatures = find(headers, SIGNATURE)?;

        let text = id.single()?;
        let delivery = DeliveryId::new(text).ok_or(id.malformed("an id of 1 to 255 bytes"))?;
        let sent_at = seconds(&timestamp)?;
        let signature_header = signatures.name;
        Ok(Self { id: text, delivery, sent_at, signatures: known(&signatures)?, signature_header })
    }

    /// Whether one of the signatures is made with this secret. Each is compared whole, so that the time reveals nothing about the
    /// right one.
    fn is_signed_with(&self, secret: &Secret, body: &[u8]) -> bool {
        if let Some(public) = secret.public() {
            let (key, signed) =
                (UnparsedPublicKey::new(&ED25519, public), signed(self.id, self.sent_at, body));
            return self.signatures.iter().any(|signature| match signature {
                Signature::Public(text) => STANDARD
                    .decode(text)
                    .is_ok_and(|signature| key.verify(&signed, &signature).is_ok()),
                Signature::Shared(_) => false,
            });
        }
        let right = STANDARD.encode(tag(secret, self.id, self.sent_at, body));
        self.signatures.iter().any(|signature| match signature {
            Signature::Shared(text) => {
                verify_slices_are_equal(text.as_bytes(), right.as_bytes()).is_ok()
            }
            Signature::Public(_) => false,
        })
    }
}

impl Claim<'_> {
    /// Why no secret matches: none of them is even for a version of these signatures, or none is right.
    fn refusal(&self, secrets: &[Secret]) -> Rejection {
        let fits = |secret: &Secret| {
            let is_public = secret.public().is_some();
            let is_for = |it: &Signature<'_>| is_public == matches!(it, Signature::Public(_));
            self.signatures.iter().any(is_for)
        };
        if secrets.is_empty() || secrets.iter().any(fits) {
            return Rejection::NoSecretMatches;
        }
        Rejection::MalformedHeader { header: self.signature_header, expected: VERSION_ONE }
    }
}

fn find<'a>(headers: &'a HeaderMap, names: Names) -> Result<Header<'a>, Rejection> {
    Header::find(headers, name_in(headers, names).unwrap_or(names.0))
}

fn seconds(timestamp: &Header<'_>) -> Result<i64, Rejection> {
    let text = timestamp.single()?;
    let malformed = || timestamp.malformed("a time in whole seconds since 1970");
    text.parse::<i64>().ok().filter(|seconds| *seconds >= 0).ok_or_else(malformed)
}

/// The signatures of all lists; those of versions that are not known stand beside them and are skipped.
fn known<'a>(header: &Header<'a>) -> Result<Vec<Signature<'a>>, Rejection> {
    let entries = header.lines.iter().flat_map(|line| line.split_ascii_whitespace());
    // Blanks separate entries; Supabase puts a comma before them, and a proxy that joins two lines may omit them.
    let signatures: Vec<_> = entries.flat_map(known_of).collect();
    if signatures.is_empty() {
        return Err(header.malformed(VERSION_ONE));
    }
    if signatures.len() > MOST_SIGNATURES {
        return Err(header.malformed("a list of at most 32 signatures"));
    }
    let public = signatures.iter().filter(|it| matches!(it, Signature::Public(_))).count();
    if public > MOST_PUBLIC_SIGNATURES {
        return Err(header.malformed("a list of at most 4 signatures `v1a,`"));
    }
    Ok(signatures)
}

/// Of `v1,one,v2,two,v1a,three` the first and the third.
fn known_of(entry: &str) -> impl Iterator<Item = Signature<'_>> {
    let parts = entry.split(',').zip(entry.split(',').skip(1));
    parts.filter(|(_, part)| !part.is_empty()).filter_map(|(version, part)| match version {
        "v1" => Some(Signature::Shared(part)),
        "v1a" => Some(Signature::Public(part)),
        _ => None,
    })
}
