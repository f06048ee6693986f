//! What a request is verified with: the source's secrets, and the keys that its provider publishes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use super::Secret;

/// What a source verifies with.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    pub secrets: &'a [Secret],
    pub published: &'a [PublicKey],
}

impl<'a> Keys<'a> {
    /// Secrets alone, for a provider that publishes no keys.
    pub fn of(secrets: &'a [Secret]) -> Self {
        Self { secrets, published: &[] }
    }
}

/// A key that a provider publishes, with the algorithms that it is for.
#[derive(Clone)]
pub struct PublicKey {
    id: Option<String>,
    key: DecodingKey,
    algorithms: &'static [Algorithm],
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.id)
    }
}

/// Why the answer of a key set's address is no key set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    #[error("it is no JSON Web Key Set")]
    NotASet,
    #[error("it holds no public key that can verify a signature")]
    NoKey,
}

/// A JSON Web Key Set. A key of a kind that is not known here must not spoil the others.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The shortest modulus of RSA in bytes: shorter keys can be factored.
const SHORTEST_RSA: usize = 256;

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

impl PublicKey {
    /// The usable keys of a JSON Web Key Set; symmetric and weak ones, and those for encryption, are left out.
    pub fn parse_set(text: &str) -> Result<Vec<Self>, BadKeySet> {
        let set: Set = serde_json::from_str(text).map_err(|_| BadKeySet::NotASet)?;
        let known = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        let keys: Vec<_> = known.filter_map(|key| Self::of(&key)).collect();
        if keys.is_empty() { Err(BadKeySet::NoKey) } else { Ok(keys) }
    }

    fn of(jwk: &Jwk) -> Option<Self> {
        if !verifies(jwk) {
            return None;
        }
        let of_family: &'static [Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &RSA,
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                &[Algorithm::EdDSA]
            }
            _ => return None,
        };
        let algorithms = match jwk.common.key_algorithm {
            None => of_family,
            Some(named) => {
                let named = named.to_string().parse::<Algorithm>().ok()?;
                let place = of_family.iter().position(|known| *known == named)?;
                &of_family[place..=place]
            }
        };
        let key = DecodingKey::from_jwk(jwk).ok().filter(is_strong)?;
        Some(Self { id: jwk.common.key_id.clone(), key, algorithms })
    }

    /// The public key of a secret that is pinned; `None` for a shared one.
    pub(super) fn pinned(secret: &Secret) -> Option<Self> {
        let key = DecodingKey::from_ed_der(secret.public()?);
        Some(Self { id: None, key, algorithms: &[Algorithm::EdDSA] })
    }

    /// Whether a token that names this key may be signed by it.
    pub(super) fn is_named(&self, id: Option<&str>) -> bool {
        id.is_none() || self.id.is_none() || self.id.as_deref() == id
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) fn key(&self) -> &DecodingKey {
        &self.key
    }
}

/// Whether its owner publishes it for signatures: a key has one purpose.
fn verifies(jwk: &Jwk) -> bool {
    let is_for_signatures = |purpose: &PublicKeyUse| *purpose == PublicKeyUse::Signature;
    let operations = jwk.common.key_operations.as_ref();
    jwk.common.public_key_use.as_ref().is_none_or(is_for_signatures)
        && operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
}

fn is_strong(key: &DecodingKey) -> bool {
    match key.kind() {
        jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } => {
            n.iter().skip_while(|byte| **byte == 0).count() >= SHORTEST_RSA
        }
        jsonwebtoken::DecodingKeyKind::SecretOrDer(_) => true,
    }
}

/// Keys that are older are fetched again, so that a withdrawn one is forgotten.
const FRESH: Duration = Duration::from_secs(3600);

/// The keys of one provider as they were last fetched. It fetches nothing itself, so that verification stays pure.
#[derive(Debug)]
pub struct KeySet {
    url: String,
    fetched: RwLock<Fetched>,
    /// When the provider was last asked, whether or not it answered; the lock admits one request at a time.
    asked_at: Mutex<Option<Instant>>,
}

#[derive(Clone, Debug)]
struct Fetched {
    keys: Arc<[PublicKey]>,
    /// Before the provider was asked for them; `None` before the first answer.
    at: Option<Instant>,
}

impl KeySet {
    pub fn new(url: String) -> Self {
        let fetched = Fetched { keys: Arc::new([]), at: None };
        Self { url, fetched: RwLock::new(fetched), asked_at: Mutex::new(None) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys of the last answer; none before the first.
    pub fn known(&self) -> Arc<[PublicKey]> {
        self.fetched().keys
    }

    /// Whether a key is known that may have signed a token with this key id, or without one.
    pub fn knows(&self, id: Option<&str>) -> bool {
        self.known().iter().any(|key| key.is_named(id))
    }

    /// Whether no key can have been withdrawn for long.
    pub fn is_fresh(&self) -> bool {
        self.fetched().at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// Whether the provider was asked for these keys after this moment.
    pub fn is_since(&self, moment: Instant) -> bool {
        self.fetched().at.is_some_and(|at| at >= moment)
    }

    /// Keeps the keys that the provider publishes; `at` lies before the question for them.
    pub fn replace(&self, keys: Vec<PublicKey>, at: Instant) {
        let fetched = Fetched { keys: keys.into(), at: Some(at) };
        *self.fetched.write().unwrap_or_else(PoisonError::into_inner) = fetched;
    }

    fn fetched(&self) -> Fetched {
        self.fetched.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until no other request for the keys is under way.
    pub async fn asked_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked_at.lock().await
    }
}
