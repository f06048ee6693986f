//! The parameters of a connection: what each source says, and which parameters there are.

use std::{collections::BTreeMap, time::Duration};

use crate::foreign::{IGNORED, REFUSED};
use crate::{Error, Resembling, syntax};

/// The parameters that are understood, and the variable that libpq reads for each.
const KNOWN: &[(&str, &str)] = &[
    ("application_name", "PGAPPNAME"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("dbname", "PGDATABASE"),
    ("fallback_application_name", ""),
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("keepalives", ""),
    ("keepalives_count", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("passfile", "PGPASSFILE"),
    ("password", "PGPASSWORD"),
    ("port", "PGPORT"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslmode", "PGSSLMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslsni", "PGSSLSNI"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("tcp_user_timeout", ""),
    ("user", "PGUSER"),
];

const OPTIONS: &str =
    "poolers refuse start-up options: set the option on the role with ALTER ROLE … SET";
const GSS: &str = "GSSAPI is not spoken: remove it, or use gssencmode=disable";

const SSL: &str =
    "true or false; for other words write sslmode, with require for node-postgres' no-verify";

/// One parameter's value and where it was written, a key or a variable, for errors.
struct Setting {
    value: String,
    name: &'static str,
}

/// Every parameter that is set, the connection string's before the environment's.
pub(crate) struct Settings(BTreeMap<&'static str, Setting>);

impl Settings {
    pub(crate) fn read(
        pairs: syntax::Pairs,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let mut settings = Self(BTreeMap::new());
        let mut others = Vec::new();
        for (key, value) in pairs {
            match KNOWN.iter().find(|(known, _)| *known == key) {
                Some(&(name, _)) => settings.write(name, value),
                None => others.push((key, value)),
            }
        }
        for (key, value) in others {
            settings.translate(&key, &value)?;
        }
        for &(key, variable) in KNOWN.iter().filter(|(_, variable)| !variable.is_empty()) {
            let value = lookup(variable).filter(|value| !value.is_empty());
            if let Some(value) = value.filter(|_| !settings.0.contains_key(key)) {
                settings.0.insert(key, Setting { value, name: variable });
            }
        }
        settings.check_characters()?;
        Ok(settings)
    }

    fn write(&mut self, name: &'static str, value: String) {
        // An empty sslmode is a template that was not filled in: taking the default would go on
        // without the protection somebody asked for. libpq refuses it too.
        if value.is_empty() && !matches!(name, "sslmode" | "channel_binding") {
            self.0.remove(name);
        } else {
            self.0.insert(name, Setting { value, name });
        }
    }

    /// Reads what other drivers, hosts and old versions write in place of a parameter.
    fn translate(&mut self, key: &str, value: &str) -> Result<(), Error> {
        if let Some(&(key, reason)) = REFUSED.iter().find(|(refused, _)| *refused == key) {
            return Err(Error::Refused { key, reason });
        }
        match (key, value) {
            (key, _) if IGNORED.contains(&key) => {}
            ("ssl", "true" | "1") => self.raise_sslmode("require"),
            ("sslaccept", "strict") => self.raise_sslmode("verify-full"),
            ("ssl", "false" | "0") | ("sslaccept", "accept_invalid_certs") => {}
            ("ssl", _) => return Err(Error::value("ssl", SSL)),
            ("sslaccept", _) => {
                return Err(Error::value("sslaccept", "strict or accept_invalid_certs"));
            }
            ("gssencmode", "require") => {
                return Err(Error::Refused { key: "gssencmode", reason: GSS });
            }
            ("gssencmode", _) => {}
            ("options", options) if routes_on_neon(options) => {}
            ("options", _) => return Err(Error::Refused { key: "options", reason: OPTIONS }),
            (key, _) => return Err(Error::Unknown(Resembling(resembling(key)))),
        }
        Ok(())
    }

    /// Sets the sslmode, unless the connection string asks for as much or more in libpq's own word.
    fn raise_sslmode(&mut self, mode: &str) {
        let said = self.text("sslmode").unwrap_or("prefer");
        if matches!(said, "disable" | "allow" | "prefer")
            || (said, mode) == ("require", "verify-full")
        {
            self.write("sslmode", mode.to_owned());
        }
    }

    /// Host, database and user go into log lines: a line break in one could forge another line.
    fn check_characters(&self) -> Result<(), Error> {
        for (key, Setting { value, name }) in &self.0 {
            let forbidden = |character: char| match *key {
                "password" => character == '\0',
                _ => character.is_control(),
            };
            if value.contains(forbidden) {
                return Err(Error::value(name, "text without control characters"));
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|setting| setting.value.as_str())
    }

    /// The error that names where `key` was written and what may stand there.
    pub(crate) fn refuse(&self, key: &'static str, expected: &'static str) -> Error {
        Error::value(self.0.get(key).map_or(key, |setting| setting.name), expected)
    }

    /// The entry of `choices` that the parameter names.
    pub(crate) fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[(&str, T)],
        expected: &'static str,
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.text(key) else { return Ok(None) };
        let chosen = choices.iter().find(|(choice, _)| *choice == value);
        chosen.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| self.refuse(key, expected))
    }

    /// A number of seconds or of attempts; zero and less mean the default, as in libpq.
    pub(crate) fn number(&self, key: &'static str) -> Result<Option<u32>, Error> {
        let Some(value) = self.text(key) else { return Ok(None) };
        let number = value.trim().parse::<i32>();
        let number = number.map_err(|_| self.refuse(key, "a whole number"))?;
        Ok(u32::try_from(number).ok().filter(|number| *number > 0))
    }

    pub(crate) fn seconds(&self, key: &'static str) -> Result<Option<Duration>, Error> {
        Ok(self.number(key)?.map(|seconds| Duration::from_secs(seconds.into())))
    }
}

/// Our name of a parameter that one of the connection string begins like, or the other way round.
fn resembling(key: &str) -> Option<&'static str> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let key = plain(key);
    let resembles = |name: &&str| {
        let name = plain(name);
        key.len() > 2 && (name.starts_with(&key) || key.starts_with(&name))
    };
    KNOWN.iter().map(|(name, _)| *name).find(resembles)
}

/// Neon routes by this where TLS names no server; ours always names it.
fn routes_on_neon(options: &str) -> bool {
    let options = options.trim();
    options.is_empty() || options.starts_with("endpoint=") || options.starts_with("project=")
}
