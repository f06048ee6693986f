//! The signature schemes: a closed set, each over the raw bytes. A scheme implements both halves, to
//! verify and to sign, and only its own file knows how its headers are made.

mod bound;
mod detached;
mod digest;
mod explanation;
mod header;
mod jws;
mod keys;
mod mistake;
mod rejection;
mod secret;
mod shared;
mod stamped;
mod svix;
mod token;
mod weakness;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use crate::model::DeliveryId;

pub use bound::Bound;
pub use detached::Detached;
pub use digest::{Digest, Encoding};
pub use jws::Signer;
pub use keys::{BadKeySet, KeySet, Keys, PublicKey};
pub use mistake::{Mended, Mistake};
pub use rejection::{Reason, Rejection};
pub use secret::{BadSecret, Form, Secret};
pub use shared::{Authorization, Shared};
pub use stamped::{Stamped, Unit};
pub use token::Token;
pub use weakness::Weakness;

/// A signature scheme with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Svix and Standard Webhooks: <https://docs.svix.com/receiving/verifying-payloads/how-manual>.
    Svix,
    /// A time and an HMAC over it and the body.
    Stamped(Stamped),
    /// An HMAC over the body.
    Digest(Digest),
    /// A token that carries the content.
    Token(Token),
    /// A token that is bound to the body.
    Bound(Bound),
    /// A signature over the time and the body, without a copy of them.
    Detached(Detached),
    /// A fixed secret.
    Shared(Shared),
}

/// The content of a valid signature.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// The id that the scheme gives the delivery, if it gives one.
    pub id: Option<DeliveryId>,
    /// The place of the secret that matched, from 0; `None` if a published key did.
    pub secret: Option<usize>,
    /// What is signed, if it is not the body itself.
    pub content: Option<Bytes>,
}

/// What a sender signs.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub id: &'a DeliveryId,
    pub sent_at: Timestamp,
    pub body: &'a str,
}

/// A signed request.
#[derive(Clone, Debug)]
pub struct Signed {
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Signed {
    fn with(headers: Vec<(&'static str, String)>, message: &Message<'_>) -> Self {
        Self { headers, body: message.body.to_owned() }
    }
}

/// Why a body cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum Unsignable {
    #[error("the body or the key cannot be signed")]
    Svix(#[from] ::svix::webhooks::WebhookError),
    #[error("the secret is only for verifying: the provider alone has the key that signs")]
    NoPrivateKey,
}

/// What every scheme can do. The defaults are those of a scheme without an id, without a time and without published keys.
trait Method {
    /// The names of its headers as a phrase, for advice about proxies.
    fn headers(&self) -> String;

    /// How its secrets are written.
    fn secrets(&self) -> Form {
        Form::Text
    }

    /// Whether a request claims to be signed by this scheme.
    fn is_claimed(&self, headers: &HeaderMap) -> bool;

    fn tolerance(&self) -> Option<i64> {
        None
    }

    fn uses_published_keys(&self) -> bool {
        false
    }

    fn covers_the_body(&self) -> bool {
        true
    }

    fn key_id(&self, _headers: &HeaderMap, _body: &[u8]) -> Option<String> {
        None
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection>;

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection>;

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable>;

    fn sent_at(&self, _headers: &HeaderMap, _body: &[u8]) -> Option<Timestamp> {
        None
    }

    fn new_id(&self, _now: Timestamp) -> DeliveryId {
        DeliveryId::new(&uuid::Uuid::new_v4().to_string()).expect("a UUID is short and readable")
    }

    fn made_at(&self, _id: &DeliveryId) -> Option<Timestamp> {
        None
    }

    fn wrong_unit(&self, _headers: &HeaderMap) -> Option<Mistake> {
        None
    }

    fn mended(&self, _headers: &HeaderMap) -> Vec<Mended> {
        Vec::new()
    }

    fn unreadable_signature(&self, _headers: &HeaderMap) -> Option<Mistake> {
        None
    }

    fn undecoded(&self, _secret: &Secret) -> Vec<Secret> {
        Vec::new()
    }
}

impl Scheme {
    fn method(&self) -> &dyn Method {
        match self {
            Self::Svix => &svix::Svix,
            Self::Stamped(stamped) => stamped,
            Self::Digest(digest) => digest,
            Self::Token(token) => token,
            Self::Bound(bound) => bound,
            Self::Detached(detached) => detached,
            Self::Shared(shared) => shared,
        }
    }

    /// Whether a request claims to be signed by this scheme.
    pub fn is_claimed(self, headers: &HeaderMap) -> bool {
        self.method().is_claimed(headers)
    }

    /// The names of its headers as a phrase, for advice about proxies.
    pub fn headers(self) -> String {
        self.method().headers()
    }

    /// How its secrets are written.
    pub fn secrets(self) -> Form {
        self.method().secrets()
    }

    /// Seconds that the sender's clock may be off, both ways; `None` if the scheme sends no time of the attempt, so that a
    /// recorded request stays valid.
    pub fn tolerance(self) -> Option<i64> {
        self.method().tolerance()
    }

    /// Whether the provider publishes its keys, instead of sharing a secret.
    pub fn uses_published_keys(self) -> bool {
        self.method().uses_published_keys()
    }

    /// Whether the signature fits one body only.
    pub fn covers_the_body(self) -> bool {
        self.method().covers_the_body()
    }

    /// The id of the published key that a request names, before anything is verified.
    pub fn key_id(self, headers: &HeaderMap, body: &[u8]) -> Option<String> {
        self.method().key_id(headers, body)
    }

    /// Checks the headers before the body is read: they must exist and be well-formed.
    pub fn screen(self, headers: &HeaderMap) -> Result<(), Rejection> {
        self.method().screen(headers)
    }

    /// Checks the signature and its age.
    pub fn verify(
        self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Proof, Rejection> {
        self.method().verify(keys, headers, body, now)
    }

    /// A delivery as its sender signs it.
    pub fn sign(self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        self.method().sign(secret, message)
    }

    /// When the sender signed a request, according to the request.
    pub fn sent_at(self, headers: &HeaderMap, body: &[u8]) -> Option<Timestamp> {
        self.method().sent_at(headers, body)
    }

    /// An id as the sender of this scheme makes them.
    pub fn new_id(self, now: Timestamp) -> DeliveryId {
        self.method().new_id(now)
    }

    /// When the sender made the delivery, if its id says so.
    pub fn made_at(self, id: &DeliveryId) -> Option<Timestamp> {
        self.method().made_at(id)
    }

    /// The fault of the headers that makes every secret and every body fail.
    pub fn wrong_unit(self, headers: &HeaderMap) -> Option<Mistake> {
        self.method().wrong_unit(headers)
    }

    /// The headers without a mistake, for each that is known; one that verifies proves that mistake.
    pub fn mended(self, headers: &HeaderMap) -> Vec<Mended> {
        self.method().mended(headers)
    }

    /// Why no body and no secret fits the signature.
    pub fn unreadable_signature(self, headers: &HeaderMap) -> Option<Mistake> {
        self.method().unreadable_signature(headers)
    }

    /// Keys that a sender uses by mistake if it does not decode the text of the secret.
    pub fn undecoded(self, secret: &Secret) -> Vec<Secret> {
        self.method().undecoded(secret)
    }
}
