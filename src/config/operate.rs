//! Variables of those who operate the service: its logs, what becomes of deleted users.

use super::Purpose;
use super::parser::{Parser, length_of_time};
use crate::logging::{Format, Logging};
use crate::model::DeletePolicy;

impl Parser<'_> {
    pub(super) fn logging(&mut self, purpose: Purpose) -> Logging {
        let format = self.choice("LOG_FORMAT", &[("text", Format::Text), ("json", Format::Json)]);
        // A command's own words are its results.
        let default = if purpose == Purpose::Serve { "info" } else { "warn" };
        let filter = self.value("RUST_LOG").unwrap_or_else(|| default.into());
        Logging::new(format, &filter).unwrap_or_else(|| {
            self.mistake("RUST_LOG", "is not a filter, such as info or users_sync=debug,warn");
            Logging::default()
        })
    }

    pub(super) fn delete_policy(&mut self) -> DeletePolicy {
        let Some(text) = self.value("DELETE_POLICY") else { return DeletePolicy::Soft };
        let after = |text: &str| length_of_time(text.trim());
        let policy = match text.to_ascii_lowercase().split_once(':') {
            None if text.eq_ignore_ascii_case("soft") => Some(DeletePolicy::Soft),
            Some(("scrub", time)) => after(time).map(DeletePolicy::Scrub),
            Some(("hard", time)) => after(time).map(DeletePolicy::Hard),
            _ => None,
        };
        policy.unwrap_or_else(|| {
            let problem = "is none of: soft, scrub:30d (empty a deleted user's row after 30 days), hard:30d (remove it)";
            self.mistake("DELETE_POLICY", problem);
            DeletePolicy::Soft
        })
    }
}
