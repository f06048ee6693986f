//! Variables of the event logs that users-sync reads.

use std::sync::Arc;
use std::time::Duration;

use super::parser::Parser;
use crate::api;
use crate::provider::Provider;

impl Parser<'_> {
    /// The source whose log is to be read, and the pause after its end; by default no log is read.
    pub(super) fn pull(
        &mut self,
        provider: &'static Provider,
        api: Option<&api::Settings>,
    ) -> Option<(Arc<str>, Duration)> {
        provider.log.as_ref()?;
        let variable = format!("{}_PULL", provider.name.to_ascii_uppercase());
        let text = self.value(&variable)?;
        if text.eq_ignore_ascii_case("off") {
            return None;
        }
        let every = Duration::try_from(self.duration(&variable, "10s")).ok()?;
        let Some(api) = api else {
            let key = provider.api.as_ref().and_then(|api| api.credentials.last());
            let key = key.map_or("", |key| key.variable);
            self.mistake(&variable, format_args!("is set, so {key} is needed"));
            return None;
        };
        Some((api.source.clone(), every))
    }
}
