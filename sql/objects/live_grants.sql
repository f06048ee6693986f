-- live_grants: grants that are not deleted, with all that they permit
create or replace view users_sync.live_grants as
select
    g.user_id,
    g.organization_id,
    l.version_at as granted_at,
    -- A permission may contain others: then its definition is a role of the same name.
    g.permission || coalesce(
        (
            select r.permissions
            from users_sync.known_roles r
            where r.source = l.source and r.key = g.permission and r.deleted_at is null
        ),
        '{}'
    ) as permissions,
    l.source
from {table} g
left join users_sync.ledger l on l.kind = '{kind}' and l.id = g.id
where g.deleted_at is null;

comment on view users_sync.live_grants is
    'Grants that are not deleted, with all that they permit; for users_sync.membership_rights and users_sync.has_permission.';
