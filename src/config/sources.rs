//! Variables of the sources that send deliveries.

use std::sync::Arc;

use super::file::Binding;
use super::parser::Parser;
use crate::provider;
use crate::signature::{Form, KeySet, Secret};
use crate::webhook::Source;

/// The end of the variable with the address of the keys that a provider publishes.
const KEYS: &str = "JWKS_URL";

impl Parser<'_> {
    pub(super) fn sources(&mut self, bindings: &[Binding]) -> Vec<Source> {
        bindings.iter().filter_map(|binding| self.source(binding)).collect()
    }

    fn source(&mut self, binding: &Binding) -> Option<Source> {
        let (secrets, published) = (self.shared(binding), self.published(binding));
        if secrets.is_none() && published.is_none() {
            return None;
        }
        let source = Source::new(&binding.name, binding.provider, secrets.unwrap_or_default());
        Some(Source { published, rules: binding.rules.clone(), ..source })
    }

    /// The keys that the provider publishes at this address; without a path, at its usual place there.
    fn published(&mut self, binding: &Binding) -> Option<Arc<KeySet>> {
        if !binding.provider.scheme.uses_published_keys() {
            return None;
        }
        let variable = binding.variable(KEYS);
        let text = self.value(&variable)?;
        let is_address = text.starts_with("https://") || text.starts_with("http://");
        let Some(url) = text.parse::<reqwest::Url>().ok().filter(|_| is_address) else {
            self.mistake(&variable, "is not an address, such as https://auth.example.com");
            return None;
        };
        let url = match url.path() {
            "/" => format!("{}{}", text.trim_end_matches('/'), binding.provider.keys_path),
            _ => text,
        };
        Some(Arc::new(KeySet::new(url)))
    }

    fn shared(&mut self, binding: &Binding) -> Option<Vec<Secret>> {
        let form = binding.provider.scheme.secrets();
        let mut found: Option<(String, Vec<Secret>)> = None;
        if let Some(path) = binding.secret_file() {
            let named = path.display().to_string();
            let text = self.content(&format!("{} secret_file", binding.name), &named)?;
            found = Some((named.clone(), self.parsed(&named, &text, form)?));
        }
        for variable in binding.secrets() {
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
        self.parsed(variable, &text, form)
    }

    fn parsed(&mut self, named: &str, text: &str, form: Form) -> Option<Vec<Secret>> {
        match Secret::parse_list(text, form) {
            Ok(secrets) => Some(secrets),
            Err(bad) => {
                self.mistake(named, bad);
                None
            }
        }
    }

    /// Every database except the embedded one requires the secrets of a provider, or a key to its API.
    pub(super) fn has_a_source(&mut self, bindings: &[Binding]) {
        let is_set = |binding: &Binding| {
            let key = binding.provider.api.as_ref().and_then(|api| api.credentials.last());
            let key = key.map(|key| binding.credential(key.variable, true));
            let uses_keys = binding.provider.scheme.uses_published_keys();
            let keys = uses_keys.then(|| binding.variable(KEYS));
            let mut variables = binding.secrets().into_iter().chain(key).chain(keys);
            // A variable that cannot be read is reported separately.
            let is_there =
                |variable: String| self.is_set(&variable) || self.environment.is_broken(&variable);
            binding.secret_file().is_some() || variables.any(is_there)
        };
        if bindings.iter().any(is_set) {
            return;
        }
        let variables = provider::EXAMPLES.map(|provider| secret_variable(provider.name));
        let problem = "no webhook secret is set: set the one of your provider to the signing secret of its endpoint (whsec_…); docs/providers/ has a page about each";
        self.mistake(&variables.join(" or "), problem);
    }

    /// If strangers can reach the service, a secret that they can guess opens the table to them.
    pub(super) fn has_no_weak_secret(&mut self, bindings: &[Binding], sources: &[Source]) {
        for source in sources {
            let example = source.provider.scheme.secrets().example();
            let weaknesses = source.secrets.iter().map(Secret::weakness).enumerate();
            for (place, weakness) in weaknesses.filter_map(|(at, found)| Some((at + 1, found?))) {
                let problem = format!(
                    "secret {place} {weakness}, so anyone could sign deliveries with it: copy the signing secret of your endpoint{example}, whole"
                );
                let binding = bindings.iter().find(|binding| binding.name == source.name);
                let mut variables = binding.into_iter().flat_map(Binding::secrets);
                let variable = variables.find(|variable| self.is_set(variable));
                self.mistake(&variable.unwrap_or_else(|| source.name.to_string()), problem);
            }
        }
    }
}

fn are_the_same(one: &[Secret], other: &[Secret]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.expose() == b.expose())
}

/// The variable with the secrets of a source of this name.
pub fn secret_variable(source: &str) -> String {
    variable(source, "WEBHOOK_SECRET")
}

/// The variable with the address of the keys that a source's provider publishes.
pub fn keys_variable(source: &str) -> String {
    variable(source, KEYS)
}

/// The variable of a source of this name that ends so, such as `CLERK_EU_TRUST`.
pub(super) fn variable(source: &str, end: &str) -> String {
    format!("{}_{end}", source.to_ascii_uppercase().replace('-', "_"))
}
