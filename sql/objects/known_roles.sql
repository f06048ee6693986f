-- known_roles: roles, deleted or not, with their source
create or replace view users_sync.known_roles as
select r.id, r.key, r.permissions, r.deleted_at, l.source, l.version_at
from {table} r
join users_sync.ledger l on l.kind = '{kind}' and l.id = r.id;

comment on view users_sync.known_roles is
    'Roles with their source; for users_sync.membership_rights and users_sync.live_grants.';
