-- foreign_memberships: the ids that memberships_active leaves out: only the source of an organization says who is in it, and a
-- membership that is not yet or no longer active is none
create or replace view users_sync.foreign_memberships as
select m.id
from {table} m
join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id
join users_sync.ledger o on o.kind = '{owner}' and o.id = m.organization_id
where l.source <> o.source or l.disabled;

-- Readers of memberships_active reach it through that view. Only a role with usage on the schema can name it.
grant select on users_sync.foreign_memberships to public;

comment on view users_sync.foreign_memberships is
    'Memberships of one source in an organization of another, and those that are not active; for neon_auth.memberships_active.';
