//! A million memberships: no answer reads a whole table.

use super::Stage;

/// Each of 100,000 users is in ten organizations. The mirror's indexes are made at once, which is faster.
const FILL: &str = "
    set synchronous_commit = off;
    drop index neon_auth.memberships_sync_user_id_idx, neon_auth.memberships_sync_organization_id_idx,
        neon_auth.memberships_sync_deleted_at_idx;
    insert into neon_auth.users_sync (id, raw_json)
    select 'u' || n, '{}' from generate_series(0, 99999) n;
    insert into neon_auth.organizations_sync (id, raw_json)
    select 'o' || n, '{}' from generate_series(0, 9999) n;
    insert into neon_auth.roles_sync (id, key, permissions, raw_json)
    select 'r' || n, 'role' || n, array['read'], '{}' from generate_series(0, 999) n;
    insert into neon_auth.grants_sync (id, user_id, organization_id, permission, raw_json)
    select 'g' || n, 'u' || n, 'o' || n % 10000, 'write', '{}' from generate_series(0, 49999) n;
    insert into neon_auth.memberships_sync (id, user_id, organization_id, role, raw_json)
    select 'm' || to_char(n, 'FM000000'), 'u' || n % 100000, 'o' || (n % 100000 + n / 100000) % 10000,
        'role' || n % 1000, '{}'
    from generate_series(0, 999999) n;
    insert into users_sync.ledger (kind, id, source, version_at, version_delivery)
    select 'membership', id, 'clerk', now(), '' from neon_auth.memberships_sync;
    insert into users_sync.ledger (kind, id, source, version_at, version_delivery, disabled)
    select 'user', id, 'clerk', now(), '', id like '%99' from neon_auth.users_sync
    union all
    select 'role', id, 'clerk', now(), '', false from neon_auth.roles_sync
    union all
    select 'grant', id, 'clerk', now(), '', false from neon_auth.grants_sync;
    create index memberships_sync_user_id_idx on neon_auth.memberships_sync (user_id, organization_id);
    create index memberships_sync_organization_id_idx on neon_auth.memberships_sync (organization_id);
    create index memberships_sync_deleted_at_idx on neon_auth.memberships_sync (deleted_at);
    analyze";

/// The tables that were read as a whole in this transaction.
const SCANNED: &str = "
    select coalesce(string_agg(relname, ', '), '')
    from pg_stat_xact_user_tables
    where schemaname in ('neon_auth', 'users_sync') and seq_scan > 0";

#[tokio::test]
async fn among_a_million_memberships_every_answer_comes_from_indexes() {
    let mut stage = Stage::new().await;
    stage.execute(FILL).await;

    for (asked, expected) in [
        ("users_sync.is_active('u5')", true),
        ("users_sync.is_active('u99')", false),
        ("users_sync.has_role('u5', 'o5', 'role5')", true),
        ("users_sync.has_role('u5', 'o5', 'role6')", false),
        ("users_sync.has_permission('u5', 'o5', 'read')", true),
        ("users_sync.has_permission('u5', 'o5', 'write')", true),
        ("users_sync.has_permission('u5', 'o5', 'other')", false),
        ("users_sync.has_permission('u5', null, 'write')", false),
        ("(select count(*) = 10 from neon_auth.memberships_active where user_id = 'u5')", true),
        (
            "(select count(permissions) = 90 from neon_auth.memberships_active where organization_id = 'o5')",
            true,
        ),
    ] {
        let transaction = stage.client.transaction().await.expect("a transaction");
        // More often than Postgres plans a statement for its very parameters.
        for _ in 0..7 {
            let answer = transaction.query_one(&format!("select {asked}"), &[]).await;
            assert_eq!(answer.expect(asked).get::<_, bool>(0), expected, "{asked}");
        }
        let scanned = transaction.query_one(SCANNED, &[]).await.expect("it answers");
        assert_eq!(scanned.get::<_, &str>(0), "", "{asked}");
    }
}
