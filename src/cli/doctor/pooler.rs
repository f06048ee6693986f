//! Checks whether a pooler is between us and Postgres, and its effects.

use std::time::Duration;

use tokio_postgres::Client;
use users_sync_conninfo::Conninfo;

use super::check::Checks;
use crate::db::inspect;

/// A pooler with one connection left keeps the second session waiting.
const PATIENCE: Duration = Duration::from_secs(5);
const NAME: &str = "pooler";

/// `channel`: the channel that announces changes.
pub(super) async fn check(
    checks: &mut Checks,
    client: &Client,
    conninfo: &Conninfo,
    channel: Option<&str>,
) {
    let looked = async {
        let mut other = conninfo.connect().await.map_err(|error| crate::error_chain(&error))?;
        let parted = inspect::sessions_are_parted(client, &mut other).await;
        parted.map_err(|error| crate::error_chain(&error))
    };
    match (tokio::time::timeout(PATIENCE, looked).await, conninfo.pooler()) {
        (Ok(Ok(true)), _) => by_transaction(checks, channel),
        (Ok(Ok(false)), None) => checks.ok(NAME, "none, or one that keeps sessions together"),
        (Ok(Ok(false)), Some(sign)) => {
            let found = format!("{sign} is a pooler's; it kept sessions together just now");
            let needs = "by session it needs DATABASE_POOL_SIZE connections for each replica";
            checks.ok(NAME, format!("{found}; {needs}"));
        }
        (Ok(Err(error)), _) => {
            let advice = "give users-sync pool_mode=transaction or session (with statement it cannot write), or the address of the database itself";
            checks.fail(NAME, format!("two sessions beside each other fail: {error}"), advice);
        }
        (Err(_), _) => {
            let advice =
                "let the pooler, or the role, have as many connections as DATABASE_POOL_SIZE says";
            checks.warn(NAME, "a second connection is not served while the first is used", advice);
        }
    }
}

fn by_transaction(checks: &mut Checks, channel: Option<&str>) {
    let found = "one that pools by transaction, which users-sync is made for";
    match channel {
        None => checks.ok(NAME, found),
        Some(channel) => {
            let advice = format!(
                "it passes no notifications on: a listener on {channel} must connect to the database itself"
            );
            checks.warn(NAME, found, advice);
        }
    }
}
