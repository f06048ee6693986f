//! What the sessions on every host have in common.

use std::time::Duration;

use tokio_postgres::config::{
    ChannelBinding, Config, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs,
};

use crate::{Error, settings::Settings};

const TIME_OUT: Duration = Duration::from_secs(10);

/// Firewalls and NATs forget a silent connection, often after five minutes, and drop what comes later without a word.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVES_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVES_COUNT: u32 = 3;
/// How long what is sent may wait for its acknowledgement, where the system can be asked for that.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// How long one host may take to open a session, whole.
pub(crate) fn time_out(settings: &Settings) -> Result<Duration, Error> {
    Ok(settings.seconds("connect_timeout")?.unwrap_or(TIME_OUT))
}

/// Everything of a session but its host, its sslmode and a password from the password file.
pub(crate) fn config(
    settings: &Settings,
    program: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, Error> {
    let mut config = Config::new();
    let user = settings.text("user").map(str::to_owned);
    if let Some(user) = user.or_else(|| lookup("USER").filter(|user| !user.is_empty())) {
        config.dbname(&user).user(user);
    }
    if let Some(database) = settings.text("dbname") {
        config.dbname(database);
    }
    if let Some(password) = settings.text("password") {
        config.password(password);
    }
    let name = settings.text("application_name");
    let name = name.or_else(|| settings.text("fallback_application_name"));
    config.application_name(name.unwrap_or(program));
    choose(settings, &mut config)?;
    keep_alive(settings, &mut config)?;
    Ok(config)
}

fn choose(settings: &Settings, config: &mut Config) -> Result<(), Error> {
    use ChannelBinding::{Disable, Prefer, Require};
    let bindings = [("disable", Disable), ("prefer", Prefer), ("require", Require)];
    let binding = settings.choice("channel_binding", &bindings, "disable, prefer or require")?;
    config.channel_binding(binding.unwrap_or(Prefer));

    let negotiations = [("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)];
    let negotiation = settings.choice("sslnegotiation", &negotiations, "postgres or direct")?;
    config.ssl_negotiation(negotiation.unwrap_or_default());

    let (any, writable) = (TargetSessionAttrs::Any, TargetSessionAttrs::ReadWrite);
    let sessions = [("any", any), ("read-write", writable), ("primary", writable)];
    let expected = "any, read-write or primary, because this program writes";
    let session = settings.choice("target_session_attrs", &sessions, expected)?;
    config.target_session_attrs(session.unwrap_or(any));

    let orders = [("disable", LoadBalanceHosts::Disable), ("random", LoadBalanceHosts::Random)];
    let order = settings.choice("load_balance_hosts", &orders, "disable or random")?;
    config.load_balance_hosts(order.unwrap_or(LoadBalanceHosts::Disable));
    Ok(())
}

fn keep_alive(settings: &Settings, config: &mut Config) -> Result<(), Error> {
    let keep = settings.choice("keepalives", &[("0", false), ("1", true)], "0 or 1")?;
    config.keepalives(keep.unwrap_or(true));
    config.keepalives_idle(settings.seconds("keepalives_idle")?.unwrap_or(KEEPALIVES_IDLE));
    let interval = settings.seconds("keepalives_interval")?;
    config.keepalives_interval(interval.unwrap_or(KEEPALIVES_INTERVAL));
    config.keepalives_retries(settings.number("keepalives_count")?.unwrap_or(KEEPALIVES_COUNT));
    match settings.number("tcp_user_timeout")? {
        Some(milliseconds) => {
            config.tcp_user_timeout(Duration::from_millis(milliseconds.into()));
        }
        // As in libpq, 0 leaves it to the system.
        None if settings.text("tcp_user_timeout").is_some() => {}
        None => {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
    }
    // Half of what the host has: a name whose first address swallows packets leaves time for the next.
    config.connect_timeout(time_out(settings)? / 2);
    Ok(())
}
