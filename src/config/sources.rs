//! Variables of the sources that send deliveries.

use std::sync::Arc;

use super::parser::Parser;
use crate::provider::{self, Provider};
use crate::signature::{Form, KeySet, Secret};
use crate::webhook::Source;

impl Parser<'_> {
    pub(super) fn sources(&mut self) -> Vec<Source> {
        provider::ALL.into_iter().filter_map(|provider| self.source(provider)).collect()
    }

    fn source(&mut self, provider: &'static Provider) -> Option<Source> {
        let (secrets, published) = (self.shared(provider), self.published(provider));
        if secrets.is_none() && published.is_none() {
            return None;
        }
        let source = Source::new(provider.name, provider, secrets.unwrap_or_default());
        Some(Source { published, ..source })
    }

    /// The keys that the provider publishes at this address; without a path, at its usual place there.
    fn published(&mut self, provider: &'static Provider) -> Option<Arc<KeySet>> {
        if !provider.scheme.uses_published_keys() {
            return None;
        }
        let variable = keys_variable(provider);
        let text = self.value(&variable)?;
        let is_address = text.starts_with("https://") || text.starts_with("http://");
        let Some(url) = text.parse::<reqwest::Url>().ok().filter(|_| is_address) else {
            self.mistake(&variable, "is not an address, such as https://auth.example.com");
            return None;
        };
        let url = match url.path() {
            "/" => format!("{}{}", text.trim_end_matches('/'), provider.keys_path),
            _ => text,
        };
        Some(Arc::new(KeySet::new(url)))
    }

    fn shared(&mut self, provider: &'static Provider) -> Option<Vec<Secret>> {
        let mut found: Option<(String, Vec<Secret>)> = None;
        for variable in names(provider) {
            let form = provider.scheme.secrets();
            let Some(secrets) = self.secrets(&variable, form) else { continue };
            match &found {
                None => found = Some((variable, secrets)),
                Some((first, others)) if !are_the_same(others, &secrets) => {
                    self.mistake(
                        &variable,
                        format_args!("holds another secret than {first}: unset one"),
                    );
                }
                Some(_) => {}
            }
        }
        found.map(|(_, secrets)| secrets)
    }

    fn secrets(&mut self, variable: &str, form: Form) -> Option<Vec<Secret>> {
        let text = self.secret(variable)?;
        match Secret::parse_list(&text, form) {
            Ok(secrets) => Some(secrets),
            Err(bad) => {
                self.mistake(variable, bad);
                None
            }
        }
    }

    /// Every database except the embedded one requires the secrets of a provider, or a key to its API.
    pub(super) fn has_a_source(&mut self) {
        let is_set = |provider: &'static Provider| {
            let key = provider.api.as_ref().and_then(|api| api.credentials.last());
            // A variable that cannot be read is reported separately.
            let is_there =
                |variable: &str| self.is_set(variable) || self.environment.is_broken(variable);
            names(provider).any(|variable| is_there(&variable))
                || key.is_some_and(|key| is_there(key.variable))
                || (provider.scheme.uses_published_keys() && is_there(&keys_variable(provider)))
        };
        if provider::ALL.into_iter().any(is_set) {
            return;
        }
        let variables = provider::EXAMPLES.map(secret_variable);
        let problem = "no webhook secret is set: set the one of your provider to the signing secret of its endpoint (whsec_…); docs/providers/ has a page about each";
        self.mistake(&variables.join(" or "), problem);
    }

    /// If strangers can reach the service, a secret that they can guess opens the table to them.
    pub(super) fn has_no_weak_secret(&mut self, sources: &[Source]) {
        for source in sources {
            let example = source.provider.scheme.secrets().example();
            let weaknesses = source.secrets.iter().map(Secret::weakness).enumerate();
            for (place, weakness) in weaknesses.filter_map(|(at, found)| Some((at + 1, found?))) {
                let problem = format!(
                    "secret {place} {weakness}, so anyone could sign deliveries with it: copy the signing secret of your endpoint{example}, whole"
                );
                let variable = names(source.provider).find(|variable| self.is_set(variable));
                self.mistake(&variable.unwrap_or_default(), problem);
            }
        }
    }
}

fn are_the_same(one: &[Secret], other: &[Secret]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.expose() == b.expose())
}

/// Our name of the variable first, then the vendor's names.
fn names(provider: &'static Provider) -> impl Iterator<Item = String> {
    let aliases = provider.secret_aliases.iter().map(|alias| (*alias).to_owned());
    std::iter::once(secret_variable(provider)).chain(aliases)
}

/// The variable that holds the secrets of a provider's only source.
pub fn secret_variable(provider: &Provider) -> String {
    format!("{}_WEBHOOK_SECRET", provider.name.to_ascii_uppercase())
}

/// The variable with the address of the keys that a provider publishes.
pub fn keys_variable(provider: &Provider) -> String {
    format!("{}_JWKS_URL", provider.name.to_ascii_uppercase())
}
