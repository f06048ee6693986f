-- disabled_users: the ids that users_active leaves out, readable without a right to the ledger
create or replace view users_sync.disabled_users as
select l.id
from users_sync.ledger l
where l.kind = '{kind}' and l.disabled;

-- Readers of users_active reach it through that view. Only a role with usage on the schema can name it.
grant select on users_sync.disabled_users to public;

comment on view users_sync.disabled_users is
    'Users that are banned, deprovisioned or restricted by an administrator; neon_auth.users_active reads it.';
