//! After a measurement: is every acknowledged delivery in the tables, and no other?

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::Result;
use crate::receiver::Receiver;
use crate::server::Server;
use crate::tables::Tables;

/// Fails if a delivery is missing or unknown, or if a row does not show the last acknowledged version.
pub(crate) async fn check(receivers: &[Receiver], server: &Server) -> Result<()> {
    for receiver in receivers {
        check_one(receiver, server).await?;
    }
    Ok(())
}

async fn check_one(receiver: &Receiver, server: &Server) -> Result<()> {
    let client = server.client(&receiver.database).await?;
    let ours = receiver.kind.tables() == Tables::Ours;
    let sent: BTreeSet<&str> =
        receiver.acknowledged.iter().map(|delivery| delivery.id.as_str()).collect();
    let sql = if ours {
        "select delivery_id from users_sync.journal where not starts_with(delivery_id, 'msg_0filled')"
    } else {
        "select id from peer.deliveries"
    };
    let rows = client.query(sql, &[]).await?;
    let kept: BTreeSet<&str> = rows.iter().map(|row| row.get(0)).collect();
    let (lost, unknown) = (sent.difference(&kept).count(), kept.difference(&sent).count());
    let wrong = if ours { wrong_rows(receiver, &client).await? } else { 0 };
    eprintln!(
        "{}: {} deliveries acknowledged; {lost} lost, {unknown} unknown, {wrong} rows wrong",
        receiver.kind.name,
        sent.len()
    );
    if receiver.kind.name == "users-sync" && lost + unknown + wrong > 0 {
        return Err("users-sync lost or invented deliveries".into());
    }
    Ok(())
}

/// Rows that do not show the greatest acknowledged version of their user, or are not deleted although the deletion
/// was acknowledged.
async fn wrong_rows(receiver: &Receiver, client: &tokio_postgres::Client) -> Result<usize> {
    let mut expected: BTreeMap<&str, (Option<i64>, bool)> = BTreeMap::new();
    for delivery in receiver.acknowledged.iter().filter(|delivery| delivery.source == "clerk") {
        let (version, deleted) = expected.entry(&delivery.user).or_default();
        *deleted |= delivery.deletes;
        if !delivery.deletes {
            *version = (*version).max(delivery.version);
        }
    }
    let ids: Vec<&str> = expected.keys().copied().collect();
    let sql = "select id, updated_at, deleted_at is not null from neon_auth.users_sync where id = any($1)";
    let rows = client.query(sql, &[&ids]).await?;
    let right = rows.iter().filter(|row| {
        let updated_at: Option<Timestamp> = row.get(1);
        let (version, deleted) = expected[row.get::<_, &str>(0)];
        let shown = updated_at.map(Timestamp::as_millisecond);
        (version.is_none() || shown == version) && row.get::<_, bool>(2) == deleted
    });
    Ok(expected.len() - right.count())
}
