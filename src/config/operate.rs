//! Variables for operators: logs, read rights, and what happens to deleted users.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::Purpose;
use super::parser::{Parser, length_of_time};
use crate::logging::{Format, Logging};
use crate::model::DeletePolicy;
use crate::traces;

/// The longest name of a role in Postgres.
const LONGEST_ROLE: usize = 63;

impl Parser<'_> {
    /// Role names exactly as they are, without SQL quotes.
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
        // The output of a command is its result, so by default it logs only warnings.
        let default = if purpose == Purpose::Serve { "info" } else { "warn" };
        let filter = self.value("RUST_LOG").unwrap_or_else(|| default.into());
        Logging::new(format, &filter).unwrap_or_else(|| {
            self.mistake("RUST_LOG", "is not a filter, such as info or users_sync=debug,warn");
            Logging::default()
        })
    }

    /// The standard variables of OpenTelemetry, as far as spans need them.
    pub(super) fn traces(&mut self) -> Option<traces::Settings> {
        let headers = self.secret("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
        let protocol = self.value("OTEL_EXPORTER_OTLP_PROTOCOL");
        let service = self.value("OTEL_SERVICE_NAME").unwrap_or_else(|| "users-sync".into());
        let base = self.value("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        if protocol.is_some_and(|protocol| protocol != "http/protobuf") {
            let problem = "is not http/protobuf, the only protocol that users-sync supports: name a port of the collector that accepts it, usually 4318";
            self.mistake("OTEL_EXPORTER_OTLP_PROTOCOL", problem);
        }
        let endpoint = format!("{}/v1/traces", base.trim_end_matches('/'));
        let is_http = base.starts_with("http://") || base.starts_with("https://");
        if !is_http || endpoint.parse::<http::Uri>().is_err() {
            let problem = "is not an address, such as http://127.0.0.1:4318";
            self.mistake("OTEL_EXPORTER_OTLP_ENDPOINT", problem);
        }
        let headers = headers_of(&headers).unwrap_or_else(|| {
            let problem = "is not name=value,name=value: write special characters in a value percent-encoded, such as %2C";
            self.mistake("OTEL_EXPORTER_OTLP_HEADERS", problem);
            HeaderMap::new()
        });
        Some(traces::Settings { endpoint, headers, service })
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

/// `name=value,name=value`, with percent-encoded values.
fn headers_of(text: &str) -> Option<HeaderMap> {
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((name.trim().parse::<HeaderName>().ok()?, value))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(header).collect()
}
