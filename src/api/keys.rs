//! Fetches the keys that a provider publishes, before a request is verified.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::signature::{BadKeySet, KeySet, PublicKey};
use crate::webhook::Source;

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
    #[error("the provider was asked a moment ago, and the key that is named is not known")]
    TooSoon,
    #[error("the request for the published keys was stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Makes sure that the key which a request names is known, or that the provider was asked for it after the request came.
pub async fn ready(
    source: &Source,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), KeysUnavailable> {
    let Some(set) = &source.published else { return Ok(()) };
    let key_id = source.provider.scheme.key_id(headers, body);
    // The usual case waits for no fetch that a stranger caused.
    if set.is_fresh() && set.knows(key_id.as_deref()) {
        return Ok(());
    }
    // In a task of its own: a sender that hangs up must not stop the fetch, and use up the pause.
    tokio::spawn(refresh(set.clone(), source.name.clone(), key_id, Instant::now())).await?
}

/// Asks the provider for its keys, unless another request did since this one came.
async fn refresh(
    set: Arc<KeySet>,
    source: Arc<str>,
    key_id: Option<String>,
    came_at: Instant,
) -> Result<(), KeysUnavailable> {
    let mut asked_at = set.asked_at().await;
    let is_known = set.knows(key_id.as_deref());
    if set.is_since(came_at) || (is_known && set.is_fresh()) {
        return Ok(());
    }
    if asked_at.is_some_and(|at| at.elapsed() < PAUSE) {
        return if is_known { Ok(()) } else { Err(KeysUnavailable::TooSoon) };
    }
    *asked_at = Some(Instant::now());
    match update(&set).await {
        Err(error) if is_known => {
            let error = crate::error_chain(&error);
            tracing::warn!(%source, error, "older published keys stay in use");
            Ok(())
        }
        updated => updated,
    }
}

/// Fetches the keys and keeps them.
pub async fn update(set: &KeySet) -> Result<(), KeysUnavailable> {
    let at = Instant::now();
    set.replace(fetch(set.url()).await?, at);
    Ok(())
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
