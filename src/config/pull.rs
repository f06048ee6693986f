//! Variables of the event logs that users-sync reads.

use std::sync::Arc;
use std::time::Duration;

use super::file::Binding;
use super::parser::Parser;
use crate::api;

impl Parser<'_> {
    /// The source whose log is to be read, and the pause after its end; by default no log is read.
    pub(super) fn pull(
        &mut self,
        binding: &Binding,
        api: Option<&api::Settings>,
    ) -> Option<(Arc<str>, Duration)> {
        binding.provider.log.as_ref()?;
        let variable = binding.variable("PULL");
        let text = self.value(&variable)?;
        if text.eq_ignore_ascii_case("off") {
            return None;
        }
        let every = Duration::try_from(self.duration(&variable, "10s")).ok()?;
        let Some(api) = api else {
            let key = binding.provider.api.as_ref().and_then(|api| api.credentials.last());
            let key = binding.credential(key.map_or("", |key| key.variable), true);
            self.mistake(&variable, format_args!("is set, so {key} is needed"));
            return None;
        };
        Some((api.source.clone(), every))
    }
}
