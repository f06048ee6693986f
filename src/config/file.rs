//! `users-sync.toml`: further sources, and the rules of any.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::parser::Parser;
use super::sources::variable;
use crate::provider::{self, Provider};
use crate::rules::{IdRule, Rules};

/// Read if it exists, unless `USERS_SYNC_CONFIG` names another.
const FILE: &str = "users-sync.toml";
/// The longest name of a source, in bytes.
const LONGEST_NAME: usize = 63;

/// A source, and where its settings come from.
pub(super) struct Binding {
    pub(super) name: Arc<str>,
    pub(super) provider: &'static Provider,
    entry: Entry,
    pub(super) rules: Arc<Rules>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    sources: BTreeMap<String, Spanned<Entry>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// By default the source's name.
    provider: Option<String>,
    secret_env: Option<String>,
    secret_file: Option<PathBuf>,
    api_key_env: Option<String>,
    #[serde(default)]
    id: Id,
    #[serde(default)]
    id_prefix: String,
    #[serde(default)]
    ignore: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
    instance: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Id {
    #[default]
    Id,
    ExternalId,
}

impl Entry {
    fn rules(&self) -> Rules {
        let id = match self.id {
            Id::Id => IdRule::Id,
            Id::ExternalId => IdRule::ExternalId,
        };
        Rules {
            prefix: self.id_prefix.clone(),
            id,
            ignore: self.ignore.clone(),
            keep: self.keep.clone(),
            drop: self.drop.clone(),
            instance: self.instance.clone(),
        }
    }
}

impl Parser<'_> {
    /// Every source that can be configured: one named like each provider, and those of the file.
    pub(super) fn bindings(&mut self) -> Vec<Binding> {
        let mut sources = self.file();
        let mut bindings = Vec::new();
        for provider in provider::ALL {
            let Some((place, entry)) = sources.remove(provider.name) else {
                bindings.push(Binding::of(provider));
                continue;
            };
            if entry.provider.as_ref().is_some_and(|named| named != provider.name) {
                let title = provider.title;
                let problem = format_args!(
                    "has the name of {title}, but another provider: choose another name"
                );
                self.mistake(&place, problem);
            }
            self.follow(&place, &entry, provider);
            bindings.push(Binding::new(provider.name, provider, entry));
        }
        for (name, (place, entry)) in sources {
            bindings.extend(self.further(&name, &place, entry));
        }
        bindings
    }

    /// A source whose name is not that of a provider.
    fn further(&mut self, name: &str, place: &str, entry: Entry) -> Option<Binding> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            let problem = "has a name that is not 1 to 63 of a-z, 0-9, - and _: it is a part of the address /webhooks/NAME";
            self.mistake(place, problem);
            return None;
        }
        let Some(provider) = entry.provider.as_deref().and_then(provider::find) else {
            let names = provider::ALL.map(|provider| provider.name).join(", ");
            self.mistake(place, format_args!("needs a `provider`, one of: {names}"));
            return None;
        };
        self.follow(place, &entry, provider);
        Some(Binding::new(name, provider, entry))
    }

    /// Reports the rules that cannot be followed.
    fn follow(&mut self, place: &str, entry: &Entry, provider: &'static Provider) {
        for mistake in entry.rules().mistakes(provider) {
            self.mistake(&format!("{place}.{}", mistake.key), mistake.problem);
        }
    }

    /// The sources of the file by name, each with its place for mistakes.
    fn file(&mut self) -> BTreeMap<String, (String, Entry)> {
        let named = self.value("USERS_SYNC_CONFIG");
        let path = Path::new(named.as_deref().unwrap_or(FILE));
        let shown = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                return BTreeMap::new();
            }
            Err(error) => {
                self.mistake(&shown, format_args!("cannot be read: {error}"));
                return BTreeMap::new();
            }
        };
        let File { sources } = toml::from_str(&text).unwrap_or_else(|error: toml::de::Error| {
            self.mistake(&shown, error.to_string().trim());
            File::default()
        });
        let placed = |(name, entry): (String, Spanned<Entry>)| {
            let line = text[..entry.span().start].matches('\n').count() + 1;
            let place = format!("{shown}:{line} sources.{name}");
            (name, (place, entry.into_inner()))
        };
        sources.into_iter().map(placed).collect()
    }
}

impl Binding {
    /// The source that only variables configure, named like its provider.
    pub(super) fn of(provider: &'static Provider) -> Self {
        Self::new(provider.name, provider, Entry::default())
    }

    fn new(name: &str, provider: &'static Provider, entry: Entry) -> Self {
        let rules = Arc::new(entry.rules());
        Self { name: Arc::from(name), provider, entry, rules }
    }

    /// The variable with this end, such as `CLERK_EU_TRUST` of the source `clerk-eu`.
    pub(super) fn variable(&self, end: &str) -> String {
        variable(&self.name, end)
    }

    /// The variables that may hold its secrets.
    pub(super) fn secrets(&self) -> Vec<String> {
        if let Some(variable) = &self.entry.secret_env {
            return vec![variable.clone()];
        }
        let mut variables = vec![self.variable("WEBHOOK_SECRET")];
        if *self.name == *self.provider.name {
            variables.extend(self.provider.secret_aliases.iter().map(|&alias| alias.to_owned()));
        }
        variables
    }

    /// The file that holds its secrets.
    pub(super) fn secret_file(&self) -> Option<&Path> {
        self.entry.secret_file.as_deref()
    }

    /// The variable of a credential of its API; `is_key` is the last of them.
    pub(super) fn credential(&self, variable: &str, is_key: bool) -> String {
        if let Some(named) = self.entry.api_key_env.as_ref().filter(|_| is_key) {
            return named.clone();
        }
        let of_provider = format!("{}_", self.provider.name.to_ascii_uppercase());
        match variable.strip_prefix(&of_provider) {
            Some(end) => self.variable(end),
            None => self.variable(variable),
        }
    }
}
