//! Fetches the keys that a provider publishes, before a request is verified.

use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::signature::{BadKeySet, KeySet, PublicKey};
use crate::webhook::Source;

/// Keys that are older are fetched again, so that a withdrawn one is forgotten.
const FRESH: Duration = Duration::from_secs(3600);
/// Requests with invented key ids must not make us ask the provider more often than this.
const PAUSE: Duration = Duration::from_secs(10);
const TIME_OUT: Duration = Duration::from_secs(5);
const LONGEST: usize = 256 << 10;

/// Why the keys cannot be known now. The sender must retry: its request may be right.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnavailable {
    #[error("the published keys could not be fetched")]
    Network(#[source] reqwest::Error),
    #[error("the answer with the published keys is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the answer at the address of the published keys cannot be used")]
    Unusable(#[from] BadKeySet),
    #[error("the published keys were fetched a moment ago, without the one that is named")]
    TooSoon,
}

/// Makes sure that the key which a request names is known, or that the provider was asked for it after the request came.
pub async fn ready(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), KeysUnavailable> {
    let Some(set) = &source.published else { return Ok(()) };
    let key_id = source.provider.scheme.key_id(headers, body);
    let came_at = Instant::now();
    let mut asked_at = set.asked_at().await;
    let (is_known, age) = (is_known(set, key_id.as_deref()), asked_at.map(|at| at.elapsed()));
    let is_fresh = age.is_some_and(|age| age < FRESH);
    let is_answered = asked_at.is_some_and(|at| at >= came_at);
    if is_answered || (is_known && is_fresh) {
        return Ok(());
    }
    if age.is_some_and(|age| age < PAUSE) {
        return if is_known { Ok(()) } else { Err(KeysUnavailable::TooSoon) };
    }
    *asked_at = Some(Instant::now());
    match fetch(set.url()).await {
        Ok(keys) => set.replace(keys),
        Err(error) if is_known => {
            let error = crate::error_chain(&error);
            tracing::warn!(source = %source.name, error, "older published keys stay in use");
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn is_known(set: &KeySet, key_id: Option<&str>) -> bool {
    let known = set.known();
    match key_id {
        None => !known.is_empty(),
        Some(id) => known.iter().any(|key| key.has_id(id)),
    }
}

async fn fetch(url: &str) -> Result<Vec<PublicKey>, KeysUnavailable> {
    let network = |error: reqwest::Error| KeysUnavailable::Network(error.without_url());
    let client = reqwest::Client::builder().timeout(TIME_OUT).build().map_err(network)?;
    let answer = client.get(url).send().await.map_err(network)?;
    let mut answer = answer.error_for_status().map_err(network)?;
    let mut text = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(network)? {
        text.extend_from_slice(&part);
        if text.len() > LONGEST {
            return Err(KeysUnavailable::TooLong);
        }
    }
    let text = std::str::from_utf8(&text).map_err(|_| BadKeySet::NotASet)?;
    Ok(PublicKey::parse_set(text)?)
}
