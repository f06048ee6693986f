-- known_roles: for each source and key the role that counts: one that lives before a deleted one, then the newest
create or replace view users_sync.known_roles as
select distinct on (l.source, r.key) l.source, r.key, r.permissions, r.deleted_at
from {table} r
join users_sync.ledger l on l.kind = '{kind}' and l.id = r.id
order by l.source, r.key, r.deleted_at is not null, l.version_at desc nulls last, l.id desc;

comment on view users_sync.known_roles is
    'For each source and key the role that counts; for users_sync.membership_rights and users_sync.live_grants.';
