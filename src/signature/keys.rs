//! What a request is verified with: the source's secrets, and the keys that its provider publishes.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
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
        let set: JwkSet = serde_json::from_str(text).map_err(|_| BadKeySet::NotASet)?;
        let keys: Vec<_> = set.keys.iter().filter_map(Self::of).collect();
        if keys.is_empty() { Err(BadKeySet::NoKey) } else { Ok(keys) }
    }

    fn of(jwk: &Jwk) -> Option<Self> {
        if jwk.common.public_key_use == Some(PublicKeyUse::Encryption) {
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

    /// Whether it is published under exactly this id.
    pub fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) fn key(&self) -> &DecodingKey {
        &self.key
    }
}

fn is_strong(key: &DecodingKey) -> bool {
    match key.kind() {
        jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, .. } => {
            n.iter().skip_while(|byte| **byte == 0).count() >= SHORTEST_RSA
        }
        jsonwebtoken::DecodingKeyKind::SecretOrDer(_) => true,
    }
}

/// The keys of one provider as they were last fetched. It fetches nothing itself, so that verification stays pure.
#[derive(Debug)]
pub struct KeySet {
    url: String,
    known: RwLock<Arc<[PublicKey]>>,
    /// When the last answer was asked for; its lock admits one request at a time.
    asked_at: Mutex<Option<Instant>>,
}

impl KeySet {
    pub fn new(url: String) -> Self {
        Self { url, known: RwLock::new(Arc::new([])), asked_at: Mutex::new(None) }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys of the last answer; none before the first.
    pub fn known(&self) -> Arc<[PublicKey]> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, keys: Vec<PublicKey>) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// Waits until no other request for the keys is under way.
    pub async fn asked_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.asked_at.lock().await
    }
}
