//! Among many rows: what a delivery of many entities costs does not grow with the tables.

use crate::harness::{Service, TestDatabase};

const FILL: &str = "
    set synchronous_commit = off;
    insert into users_sync.ledger (kind, id, source, version_at, version_delivery)
    select 'user', 'u' || n, 'stack', now(), 'msg_' || n from generate_series(1, 100000) n;
    insert into users_sync.journal
        (source, delivery_id, event_type, kind, entity_id, version_at, received_at, outcome)
    select 'stack', 'msg_' || n, 'user.created', 'user', 'u' || n, now(), now(), 'applied'
    from generate_series(1, 100000) n;
    insert into neon_auth.memberships_sync (id, user_id, organization_id, raw_json)
    select 't1/u' || n, 'u' || n, 't1', '{}' from generate_series(1, 100000) n;
    analyze";

/// A deleted user, as the service hands it to the database.
const DELETED: &str = "
    select outcome, owner from users_sync.converge(
        claims => array[
            ('user', 'u7', 'stack', null, null, now(), now(), null, false, true, null, null, null, null, null),
            ('membership', 't1/u7', 'stack', null, null, now(), now(), null, false, true, null, null, null, null, null)
        ]::users_sync.claim[],
        deliveries => array[
            ('stack', 'msg_gone', 'user.deleted', now(), 1, 'user', 'u7', 1, now(), true, null, null, null)
        ]::users_sync.delivery[],
        mentions => array[(1, 'membership', 't1/u7', 2, now(), true)]::users_sync.mention[],
        notify_channel => null,
        lock_wait => '1s'
    )";

/// The tables that were read as a whole in this transaction.
const SCANNED: &str = "
    select coalesce(string_agg(relname, ', '), '')
    from pg_stat_xact_user_tables
    where schemaname in ('neon_auth', 'users_sync') and seq_scan > 0";

#[tokio::test]
async fn a_delivery_of_many_entities_reads_no_table_as_a_whole() {
    let database = TestDatabase::new().await;
    drop(Service::start(database.url()).await);
    let mut client = database.client().await;
    client.batch_execute(FILL).await.expect("it is ours");

    let transaction = client.transaction().await.expect("a transaction");
    let judged = transaction.query_one(DELETED, &[]).await.expect("it is written");
    let scanned = transaction.query_one(SCANNED, &[]).await.expect("it answers");

    assert_eq!(judged.get::<_, &str>("outcome"), "applied");
    assert_eq!(scanned.get::<_, &str>(0), "");
    let named = transaction.query_one("select entity_id from users_sync.mentions", &[]).await;
    assert_eq!(named.expect("it is named").get::<_, &str>(0), "t1/u7");
}
