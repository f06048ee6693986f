//! Variables of the providers' APIs, and of what the service does with them.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::parser::Parser;
use crate::api;
use crate::provider::{self, Provider};

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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Payload,
    Refetch,
}

/// The longest name of a channel in Postgres.
const LONGEST_CHANNEL: usize = 63;

impl Parser<'_> {
    pub(super) fn repair(&mut self) -> Repair {
        let apis: Vec<_> =
            provider::ALL.into_iter().filter_map(|provider| self.api(provider)).collect();
        let refetch = provider::ALL.into_iter().filter_map(|provider| {
            let api = apis.iter().find(|api| api.provider.name == provider.name);
            self.refetch(provider, api)
        });
        let refetch = refetch.collect();
        Repair { every: self.interval(), channel: self.channel(), refetch, apis }
    }

    /// All of a provider's credentials, or none.
    fn api(&mut self, provider: &'static Provider) -> Option<api::Settings> {
        let url = self.api_url(provider);
        let wanted = provider.api.credentials;
        let found: Vec<_> = wanted.iter().map(|one| self.key(one.variable)).collect();
        if found.iter().all(Option::is_none) {
            return None;
        }
        for (credential, _) in wanted.iter().zip(&found).filter(|(_, value)| value.is_none()) {
            let problem = format_args!("is missing: {}", credential.expected);
            self.mistake(credential.variable, problem);
        }
        let credentials: Option<Vec<SecretString>> =
            found.into_iter().map(|value| value.map(SecretString::from)).collect();
        let source = Arc::from(provider.name);
        Some(api::Settings { source, provider, url, credentials: credentials? })
    }

    fn api_url(&mut self, provider: &Provider) -> String {
        let variable = format!("{}_API_URL", provider.name.to_ascii_uppercase());
        let Some(url) = self.value(&variable) else { return provider.api.url.to_owned() };
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let problem = format_args!("is not an address, such as {}", provider.api.url);
            self.mistake(&variable, problem);
        }
        url
    }

    /// By default a delivery is trusted if it says when it was made, or if there is no API to ask.
    fn refetch(
        &mut self,
        provider: &'static Provider,
        api: Option<&api::Settings>,
    ) -> Option<Arc<str>> {
        let variable = format!("{}_TRUST", provider.name.to_ascii_uppercase());
        let (payload, refetch) = (("payload", Trust::Payload), ("refetch", Trust::Refetch));
        let by_default = if provider.versioned || api.is_none() { payload } else { refetch };
        let trust = match self.value(&variable) {
            None => by_default.1,
            Some(_) => self.choice(&variable, &[payload, refetch]),
        };
        if trust == Trust::Payload {
            return None;
        }
        if api.is_none() {
            let key = provider.api.credentials.last().map_or("", |key| key.variable);
            self.mistake(&variable, format_args!("is refetch, so {key} is needed"));
        }
        api.map(|api| api.source.clone())
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

/// The variables that give access to a provider's API, for operators who have not set them.
pub fn api_variables() -> impl fmt::Display {
    let of = |provider: &Provider| {
        let variables: Vec<_> = provider.api.credentials.iter().map(|one| one.variable).collect();
        variables.join(" and ")
    };
    provider::ALL.map(of).join(", or ")
}
