//! Variables of those who operate the service: its logs, who may read, what becomes of deleted users.

use super::Purpose;
use super::parser::{Parser, length_of_time};
use crate::logging::{Format, Logging};
use crate::model::DeletePolicy;

/// Longest name of a role in Postgres.
const LONGEST_ROLE: usize = 63;

impl Parser<'_> {
    /// Roles by their names as they are, quoted nowhere.
    pub(super) fn grant_select_to(&mut self) -> Vec<String> {
        let text = self.value("GRANT_SELECT_TO").unwrap_or_default();
        let mut roles: Vec<String> = Vec::new();
        for role in text.split(',').map(str::trim).filter(|role| !role.is_empty()) {
            if role == "public" {
                let problem = "is public, which would show the users to every role: name the roles of your applications";
                self.mistake("GRANT_SELECT_TO", problem);
            } else if role.len() > LONGEST_ROLE {
                let problem = format!("names a role of more than {LONGEST_ROLE} bytes: {role}");
                self.mistake("GRANT_SELECT_TO", problem);
            } else if !roles.iter().any(|known| known == role) {
                roles.push(role.to_owned());
            }
        }
        roles
    }

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
