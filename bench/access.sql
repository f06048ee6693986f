-- Measures the answers of docs/access.md: `psql -X -f bench/access.sql "$DATABASE_URL"`, in a new database after `users-sync migrate`.
-- It fills the mirrors with 100,000 users, 50,000 organizations and 1,000,000 memberships, and a table of an application with
-- 1,000,000 rows.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\timing off
set synchronous_commit = off;

insert into neon_auth.users_sync (id, raw_json)
select 'user_' || n, '{}' from generate_series(0, 99999) n;
insert into neon_auth.organizations_sync (id, raw_json)
select 'org_' || n, '{}' from generate_series(0, 49999) n;
insert into neon_auth.memberships_sync (id, user_id, organization_id, role, permissions, raw_json)
select 'orgmem_' || n, 'user_' || n / 10, 'org_' || (n / 10 + n % 10 * 4999) % 50000,
    case n % 10 when 0 then 'org:admin' else 'org:member' end, '{org:posts:read}', '{}'
from generate_series(0, 999999) n;
insert into neon_auth.roles_sync (id, key, permissions, raw_json)
values
    ('role_1', 'org:admin', '{org:posts:read,org:posts:write}', '{}'),
    ('role_2', 'org:member', '{org:posts:read}', '{}');
-- As many users with grants as Stack Auth would send, and one in a hundred users is banned.
insert into neon_auth.grants_sync (id, user_id, organization_id, permission, raw_json)
select 'grant_' || n, 'user_' || n / 10, 'org_' || (n / 10 + n % 10 * 4999) % 50000, 'billing', '{}'
from generate_series(0, 999999, 10) n;

insert into users_sync.ledger (kind, id, source, version_at, version_delivery, disabled)
select kind, id, 'clerk', timestamptz '2026-01-01', 'msg_1', disabled
from (
    select 'user', id, id like '%99' from neon_auth.users_sync
    union all select 'organization', id, false from neon_auth.organizations_sync
    union all select 'membership', id, false from neon_auth.memberships_sync
    union all select 'role', id, false from neon_auth.roles_sync
    union all select 'grant', id, false from neon_auth.grants_sync
) as e (kind, id, disabled);

create table posts (id bigint primary key, organization_id text not null, title text not null);
insert into posts select n, 'org_' || n % 50000, 'Hello ' || n from generate_series(1, 1000000) n;
create index posts_organization_id_idx on posts (organization_id);
vacuum analyze;

-- How long one call takes, of 100,000 calls in one session.
create function pg_temp.per_call(statement text) returns text language plpgsql as $$
declare began timestamptz;
begin
    began := clock_timestamp();
    execute format('do $do$ declare n integer; begin for n in 1..100000 loop perform %s; end loop; end $do$', statement);
    return format('%s: %s µs a call', statement,
        round((extract(epoch from clock_timestamp() - began) * 10)::numeric, 1));
end
$$;

\echo '--- the functions'
select pg_temp.per_call($$users_sync.is_active('user_' || n % 100000)$$);
select pg_temp.per_call($$users_sync.has_role('user_' || n % 100000, 'org_' || n % 50000, 'admin')$$);
select pg_temp.per_call($$users_sync.has_permission('user_' || n % 100000, 'org_' || n % 50000, 'org:posts:write')$$);
select pg_temp.per_call($$users_sync.has_permission('user_' || n % 100000, null, 'org:posts:write')$$);
