//! How to reach Postgres: a connection string, the PG… variables, the password file and TLS, read as libpq reads them.
//!
//! What it promises:
//! - [`Conninfo::parse`] takes what libpq takes and refuses what it cannot honour, never silently; it reads no
//!   environment, only the lookup that it is given;
//! - [`Conninfo::connect`] tries the hosts in order, each as its sslmode allows, and ends in time;
//! - the pool of [`Conninfo::pool`] proves a connection alive before it hands it out;
//! - no error, log line or `Debug` repeats a password, or a piece of a connection string that may be one.
//!
//! The differences to libpq, each for a reason:
//! - `connect_timeout` covers a host's whole start, with TLS and authentication, and is ten seconds
//!   where libpq would wait for ever;
//! - keepalives begin after half a minute, and what is sent waits as long for its acknowledgement: a
//!   connection that something between us cut is noticed;
//! - `options` is refused, since poolers refuse it, except for Neon's `endpoint=`, which TLS makes needless;
//! - service files are not read; a parameter that other drivers know is ignored only where that is harmless;
//! - a raw `@` in a URL's password is understood, not taken for the start of the host.

mod connect;
mod foreign;
mod pgpass;
mod session;
mod settings;
mod syntax;
mod tls;

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_postgres::config::{Config, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use pgpass::Pgpass;
use settings::Settings;
use tls::SslMode;

pub use connect::ConnectError;
pub use syntax::Error as SyntaxError;
pub use tls::Error as TlsError;

/// Where servers put their Unix socket: packages of Linux distributions, then Postgres itself.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Why a connection string, or a PG… variable, cannot be used; values are never repeated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Syntax(#[from] syntax::Error),
    #[error(
        "the connection string has a parameter that is not known{0}: correct or remove it; if it is \
         a part of the user name or the password, write ? there as %3F, & as %26 and a space in quotes"
    )]
    Unknown(Resembling),
    #[error("the connection parameter `{key}` cannot be honoured: {reason}")]
    Refused { key: &'static str, reason: &'static str },
    #[error("the connection parameter `{name}` must be {expected}")]
    Value { name: &'static str, expected: &'static str },
    #[error("cannot prepare TLS for the database")]
    Tls(#[from] tls::Error),
}

/// What an unknown parameter may be meant to be; its own name is not repeated, which may be a piece of a password.
#[derive(Debug, PartialEq, Eq)]
pub struct Resembling(Option<&'static str>);

impl fmt::Display for Resembling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(formatter, " (is it `{name}`?)"))
    }
}

impl Error {
    fn value(name: &'static str, expected: &'static str) -> Self {
        Self::Value { name, expected }
    }
}

/// How to reach a Postgres server.
#[derive(Clone)]
pub struct Conninfo {
    /// At least one, tried in order.
    hosts: Vec<Host>,
    sslmode: SslMode,
    tls: MakeRustlsConnect,
    time_out: Duration,
}

#[derive(Clone)]
struct Host {
    address: Address,
    /// Everything but the sslmode, which the attempts on this host choose.
    config: Config,
}

#[derive(Clone, PartialEq, Eq)]
struct Address {
    host: String,
    hostaddr: Option<IpAddr>,
    port: u16,
}

impl Conninfo {
    /// Reads a `postgres://` URL or `key=value` words; what they leave open comes from `lookup`, the environment. The
    /// sessions are called `program` unless something else is asked for.
    pub fn parse(
        url: &str,
        program: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let settings = Settings::read(syntax::pairs(url)?, lookup)?;
        let addresses = addresses(&settings)?;
        let sslmode = sslmode(&settings)?;
        let config = session::config(&settings, program, lookup)?;
        let home = lookup("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let encrypted = sslmode != SslMode::Disable && addresses.iter().any(|at| !at.is_socket());
        let tls = tls::connector(&tls::Options {
            mode: if encrypted { sslmode } else { SslMode::Disable },
            sslrootcert: settings.text("sslrootcert"),
            sslcert: settings.text("sslcert"),
            sslkey: settings.text("sslkey"),
            defaults: home.as_ref().map(|home| home.join(".postgresql")),
            sni: settings.choice("sslsni", &[("0", false), ("1", true)], "0 or 1")?.unwrap_or(true),
            direct: config.get_ssl_negotiation() == SslNegotiation::Direct,
            only_tls13: only_tls13(&settings)?,
        })?;
        let passwords = password_file(&settings, home.as_deref());
        let host = |address: Address| address.into_host(&config, passwords.as_ref());
        Ok(Self {
            hosts: addresses.into_iter().map(host).collect(),
            sslmode,
            tls,
            time_out: session::time_out(&settings)?,
        })
    }

    /// Names database, hosts, user and sslmode for people and logs; never the password.
    pub fn describe(&self) -> String {
        let config = &self.hosts[0].config;
        let user = config.get_user().unwrap_or("the user of this process");
        let database = config.get_dbname().unwrap_or("the user's database");
        let hosts: Vec<_> = self.hosts.iter().map(|host| host.address.to_string()).collect();
        let sslmode = self.sslmode.name();
        format!("{database} on {} as {user}, sslmode={sslmode}", hosts.join(", "))
    }

    /// What in the address is a pooler's: the hosts of Neon and Supabase, and the ports that poolers use.
    pub fn pooler(&self) -> Option<String> {
        self.hosts.iter().find_map(|Host { address: Address { host, port, .. }, .. }| {
            let named = host.contains("-pooler.") || host.contains(".pooler.");
            let by_port = [6432, 6543].contains(port);
            let sign = if named { Some(host.clone()) } else { None };
            sign.or_else(|| by_port.then(|| format!("port {port}")))
        })
    }
}

impl fmt::Debug for Conninfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Conninfo({})", self.describe())
    }
}

impl Address {
    fn is_socket(&self) -> bool {
        self.hostaddr.is_none() && self.host.starts_with('/')
    }

    fn into_host(self, session: &Config, passwords: Option<&Pgpass>) -> Host {
        let mut config = session.clone();
        config.host(&self.host).port(self.port);
        if let Some(address) = self.hostaddr {
            config.hostaddr(address);
        }
        if let (None, Some(passwords), Some(user)) =
            (config.get_password(), passwords, config.get_user())
        {
            let socket = SOCKET_DIRECTORIES.contains(&self.host.as_str());
            let host = if socket { "localhost" } else { &self.host };
            let database = config.get_dbname().unwrap_or(user);
            let login = [host, &self.port.to_string(), database, user];
            if let Some(password) = passwords.password(login) {
                config.password(password);
            }
        }
        Host { address: self, config }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, hostaddr: _, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

fn addresses(settings: &Settings) -> Result<Vec<Address>, Error> {
    let list =
        |key| settings.text(key).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let hostaddrs = list("hostaddr").unwrap_or_default();
    let hosts = list("host").unwrap_or_else(|| vec![""; hostaddrs.len().max(1)]);
    let ports = list("port").unwrap_or_else(|| vec![""]);
    if !hostaddrs.is_empty() && hostaddrs.len() != hosts.len() {
        return Err(settings.refuse("hostaddr", "as many addresses as there are hosts"));
    }
    if ports.len() != 1 && ports.len() != hosts.len() {
        return Err(settings.refuse("port", "one number, or as many as there are hosts"));
    }
    let address = |(at, host): (usize, &&str)| {
        let hostaddr = match hostaddrs.get(at).filter(|address| !address.is_empty()) {
            Some(address) => {
                Some(ip(address).ok_or_else(|| settings.refuse("hostaddr", "IP addresses"))?)
            }
            None => None,
        };
        let host = match (*host, hostaddr) {
            ("", Some(address)) => address.to_string(),
            ("", None) => default_socket().to_owned(),
            (host, _) => host.to_owned(),
        };
        let port = match *ports.get(at).unwrap_or(&ports[0]) {
            "" => 5432,
            text => {
                port(text).ok_or_else(|| settings.refuse("port", "a number from 1 to 65535"))?
            }
        };
        Ok(Address { host, hostaddr, port })
    };
    hosts.iter().enumerate().map(address).collect()
}

fn ip(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn default_socket() -> &'static str {
    let [packaged, plain] = SOCKET_DIRECTORIES;
    if Path::new(packaged).is_dir() { packaged } else { plain }
}

fn sslmode(settings: &Settings) -> Result<SslMode, Error> {
    let system = settings.text("sslrootcert") == Some("system");
    let expected = "disable, allow, prefer, require, verify-ca or verify-full; node-postgres' no-verify is require";
    let default = if system { SslMode::VerifyFull } else { SslMode::Prefer };
    let mode = settings.choice("sslmode", &SslMode::ALL, expected)?.unwrap_or(default);
    if system && mode != SslMode::VerifyFull {
        return Err(settings.refuse("sslmode", "verify-full where sslrootcert is `system`"));
    }
    if settings.text("sslnegotiation") == Some("direct") && mode < SslMode::Require {
        return Err(
            settings.refuse("sslmode", "require or stronger where sslnegotiation is `direct`")
        );
    }
    Ok(mode)
}

fn only_tls13(settings: &Settings) -> Result<bool, Error> {
    let versions = [("TLSv1", false), ("TLSv1.1", false), ("TLSv1.2", false), ("TLSv1.3", true)];
    let only = settings.choice("ssl_min_protocol_version", &versions, "TLSv1.2 or TLSv1.3")?;
    Ok(only.unwrap_or(false))
}

fn password_file(settings: &Settings, home: Option<&Path>) -> Option<Pgpass> {
    let default = || home.map(|home| home.join(".pgpass"));
    Pgpass::open(&settings.text("passfile").map(PathBuf::from).or_else(default)?)
}
