//! Variables of the providers' APIs, and of what the service does with them.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::file::Binding;
use super::parser::Parser;
use crate::api;
use crate::provider::api::{Address, Api};
use crate::provider::{self, Provider};
use crate::webhook::Source;

/// How the service keeps the table true if deliveries do not arrive.
#[derive(Debug, Default)]
pub struct Repair {
    pub apis: Vec<api::Settings>,
    /// How often reconcile compares the table with the providers' lists; `None` means never.
    pub every: Option<Duration>,
    /// The channel on which every change is announced.
    pub channel: Option<Arc<str>>,
    /// Sources whose deliveries only say which user changed; their API gives the content.
    pub refetch: HashSet<Arc<str>>,
    /// Sources whose event log is read, with the pause after its end.
    pub pull: HashMap<Arc<str>, Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Payload,
    Refetch,
}

/// The end of the variable with the address of an API.
const URL: &str = "API_URL";
/// The longest name of a channel in Postgres.
const LONGEST_CHANNEL: usize = 63;

impl Parser<'_> {
    pub(super) fn repair(&mut self, bindings: &[Binding]) -> Repair {
        let apis: Vec<_> = bindings.iter().filter_map(|binding| self.api(binding)).collect();
        let (mut refetch, mut pull) = (HashSet::new(), HashMap::new());
        for binding in bindings {
            let api = apis.iter().find(|api| api.source == binding.name);
            refetch.extend(self.refetch(binding, api));
            pull.extend(self.pull(binding, api));
        }
        Repair { every: self.interval(), channel: self.channel(), refetch, pull, apis }
    }

    /// All of a source's credentials, or none.
    fn api(&mut self, binding: &Binding) -> Option<api::Settings> {
        let Binding { name, provider, rules, .. } = binding;
        let api = provider.api.as_ref()?;
        let url = self.api_url(binding, api);
        let last = api.credentials.len().saturating_sub(1);
        let variables = api.credentials.iter().enumerate();
        let variables: Vec<_> =
            variables.map(|(place, one)| binding.credential(one.variable, place == last)).collect();
        let found: Vec<_> = variables.iter().map(|variable| self.key(variable)).collect();
        if found.iter().all(Option::is_none) {
            return None;
        }
        for ((credential, variable), value) in api.credentials.iter().zip(&variables).zip(&found) {
            if value.is_none() {
                self.mistake(variable, format_args!("is missing: {}", credential.expected));
            }
        }
        if url.is_none() {
            let example = api.address.example();
            let problem =
                format_args!("is missing: the address of your own API, such as {example}");
            self.mistake(&binding.variable(URL), problem);
        }
        let credentials: Option<Vec<SecretString>> =
            found.into_iter().map(|value| value.map(SecretString::from)).collect();
        let (source, rules) = (name.clone(), rules.clone());
        Some(api::Settings { source, provider, api, url: url?, credentials: credentials?, rules })
    }

    /// `None` if every tenant has its own address, and it is not set.
    fn api_url(&mut self, binding: &Binding, api: &Api) -> Option<String> {
        let variable = binding.variable(URL);
        let Some(url) = self.value(&variable) else {
            return match api.address {
                Address::Fixed(url) => Some(url.to_owned()),
                Address::OfTenant(_) => None,
            };
        };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let problem = format_args!("is not an address, such as {}", api.address.example());
            self.mistake(&variable, problem);
        }
        Some(url)
    }

    /// By default a delivery is trusted if it says when it was made, or if there is no API to ask.
    fn refetch(&mut self, binding: &Binding, settings: Option<&api::Settings>) -> Option<Arc<str>> {
        let provider = binding.provider;
        let variable = binding.variable("TRUST");
        let Some(api) = &provider.api else {
            if self.environment.hints_at(&variable, |value| !value.is_empty()) {
                let title = provider.title;
                let problem = format_args!("is set, but {title} has no API to ask: unset it");
                self.mistake(&variable, problem);
            }
            return None;
        };
        let (payload, refetch) = (("payload", Trust::Payload), ("refetch", Trust::Refetch));
        let by_default = if provider.versioned || settings.is_none() { payload } else { refetch };
        let trust = match self.value(&variable) {
            None => by_default.1,
            Some(_) => self.choice(&variable, &[payload, refetch]),
        };
        if trust == Trust::Payload {
            return None;
        }
        if settings.is_none() {
            let key = api.credentials.last().map_or("", |key| key.variable);
            let key = binding.credential(key, true);
            self.mistake(&variable, format_args!("is refetch, so {key} is needed"));
        }
        settings.map(|settings| settings.source.clone())
    }

    fn interval(&mut self) -> Option<Duration> {
        if self.value("RECONCILE_INTERVAL").is_some_and(|text| text.eq_ignore_ascii_case("off")) {
            return None;
        }
        let every = self.duration("RECONCILE_INTERVAL", "1h");
        Duration::try_from(every).ok().filter(|every| !every.is_zero())
    }

    fn channel(&mut self) -> Option<Arc<str>> {
        let channel = self.value("NOTIFY_CHANNEL")?;
        if channel.len() > LONGEST_CHANNEL {
            self.mistake("NOTIFY_CHANNEL", format_args!("is longer than {LONGEST_CHANNEL} bytes"));
        }
        Some(channel.into())
    }
}

/// The variable that holds the address of a provider's API.
fn url_variable(provider: &Provider) -> String {
    format!("{}_{URL}", provider.name.to_ascii_uppercase())
}

/// The variables that give access to a provider's API; `None` if it has none.
pub fn variables_of(provider: &Provider) -> Option<String> {
    let api = provider.api.as_ref()?;
    let url = match api.address {
        Address::Fixed(_) => String::new(),
        Address::OfTenant(_) => format!(" and {}", url_variable(provider)),
    };
    Some(format!("{}{url}", api.variables()))
}

/// The same of the providers of these sources, for operators who have not set them; without a source, of two providers as an
/// example.
pub fn api_variables(sources: &[Source]) -> impl fmt::Display {
    let configured = sources.iter().filter_map(|source| variables_of(source.provider));
    let mut variables: Vec<_> = configured.collect();
    if variables.is_empty() {
        variables = provider::EXAMPLES.into_iter().filter_map(variables_of).collect();
    }
    variables.join(", or ")
}
