//! The sources that there are: those that send, and those that can only be asked.

use std::sync::Arc;

use super::App;
use crate::provider::Provider;
use crate::webhook::Source;

pub(super) struct Known {
    pub(super) name: Arc<str>,
    pub(super) provider: &'static Provider,
    /// None where no deliveries are received.
    pub(super) secrets: usize,
}

/// In the order of their names.
pub(super) fn known(app: &App) -> Vec<Known> {
    let sends = app.sources.values().map(|source| Known {
        name: source.name.clone(),
        provider: source.provider,
        secrets: source.secrets.len(),
    });
    let clients = app.users.clients().iter();
    let is_only_asked = clients.filter(|client| !app.sources.contains_key(&**client.source()));
    let is_only_asked = is_only_asked.map(|client| Known {
        name: client.source().clone(),
        provider: client.provider(),
        secrets: 0,
    });
    let mut known: Vec<_> = sends.chain(is_only_asked).collect();
    known.sort_by_key(|source| source.name.clone());
    known
}

/// What reads deliveries of this name.
pub(super) fn named(app: &App, name: &str) -> Option<Source> {
    app.sources.get(name).cloned().or_else(|| Source::unconfigured(name))
}

pub(super) fn names(known: &[Known]) -> Vec<&str> {
    known.iter().map(|source| &*source.name).collect()
}
