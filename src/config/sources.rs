//! Variables of the sources that deliveries come from.

use std::sync::Arc;

use super::parser::Parser;
use crate::provider::{self, Provider};
use crate::signature::Secret;
use crate::webhook::Source;

impl Parser<'_> {
    pub(super) fn sources(&mut self) -> Vec<Source> {
        provider::ALL.into_iter().filter_map(|provider| self.source(provider)).collect()
    }

    fn source(&mut self, provider: &'static Provider) -> Option<Source> {
        let variable = secret_variable(provider);
        let text = self.secret(&variable)?;
        match Secret::parse_list(&text) {
            Ok(secrets) => Some(Source { name: Arc::from(provider.name), provider, secrets }),
            Err(bad) => {
                self.mistake(&variable, bad);
                None
            }
        }
    }

    /// The embedded server brings secrets for development; any other needs those of its provider, or a key to its API.
    pub(super) fn has_a_source(&mut self) {
        let is_set = |provider: &Provider| {
            let key = provider.api.credentials.last().map_or("", |key| key.variable);
            self.is_set(&secret_variable(provider)) || self.is_set(key)
        };
        if provider::ALL.into_iter().any(is_set) {
            return;
        }
        let variables: Vec<_> = provider::ALL.into_iter().map(secret_variable).collect();
        let problem = "no webhook secret is set: set the one of your provider to the signing secret of its endpoint (whsec_…)";
        self.mistake(&variables.join(" or "), problem);
    }
}

/// The variable that holds the secrets of a provider's only source.
pub fn secret_variable(provider: &Provider) -> String {
    format!("{}_WEBHOOK_SECRET", provider.name.to_ascii_uppercase())
}
