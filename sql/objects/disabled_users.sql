-- disabled_users: the ids that users_active leaves out, readable without a right to the ledger
create or replace view users_sync.disabled_users as
select l.id
from users_sync.ledger l
where l.kind = 'user' and l.disabled;

-- A reader of users_active needs it, and can reach it only through that view, because the schema is not open to
-- readers.
grant select on users_sync.disabled_users to public;

comment on view users_sync.disabled_users is
    'Users that are banned, deprovisioned or restricted by an administrator; neon_auth.users_active reads it.';
