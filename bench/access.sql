-- Measures what docs/access.md describes: in a new database after `users-sync migrate`, as a superuser,
-- `psql -Xq -d "$DATABASE_URL" -f bench/access.sql`. It fills the mirrors with 100,000 users, 50,000 organizations and
-- 1,000,000 memberships, and two tables of an application with 1,000,000 rows each.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
set synchronous_commit = off;
-- One process does all the work that is counted.
set max_parallel_workers_per_gather = 0;

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
-- Each user has a grant in one organization; one in a hundred users is banned.
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

-- Rows of two applications: one whose user sees 200 of a million rows, and one whose user sees them all.
create table documents (id bigint primary key, organization_id text not null, title text not null);
insert into documents select n, 'org_' || n % 50000, 'Hello ' || n from generate_series(1, 1000000) n;
create index documents_organization_id_idx on documents (organization_id);
create table notes (id bigint primary key, organization_id text not null, title text not null);
insert into notes select n, 'org_' || n % 10 * 4999 % 50000, 'Hello ' || n from generate_series(1, 1000000) n;
create index notes_organization_id_idx on notes (organization_id);
vacuum analyze;

create role access_reader;
grant usage on schema neon_auth, users_sync to access_reader;
grant select on all tables in schema neon_auth to access_reader;
grant select on documents, notes to access_reader;
grant execute on function users_sync.is_active, users_sync.has_role, users_sync.has_permission to access_reader;
set app.user_id = 'user_0';
set app.organization_id = 'org_4999';

-- Microseconds of CPU that this session has taken, as Linux counts them: the clock also counts what other programs take.
create function public.cpu() returns numeric language sql volatile as $$
    select (split_part(stat, ' ', 14)::numeric + split_part(stat, ' ', 15)::numeric) * 10000
    from pg_read_file('/proc/self/stat', 0, 1000) as stat
$$;
-- What one call takes, of 100,000 calls in one session.
create function public.per_call(call text) returns text language plpgsql as $$
declare
    began timestamptz := clock_timestamp();
    worked numeric := public.cpu();
begin
    execute format('do $do$ declare n integer; begin for n in 1..100000 loop perform %s; end loop; end $do$', call);
    return format('%s µs of CPU, %s µs: %s',
        round((public.cpu() - worked) / 100000, 1),
        round((extract(epoch from clock_timestamp() - began) * 10)::numeric, 1),
        call);
end
$$;
-- What a query takes, planning included: the mean of the CPU of nine runs, and the time of the fastest.
create function public.nine_runs(label text, query text) returns text language plpgsql as $$
declare began timestamptz; best interval := '1 hour'; worked numeric := public.cpu();
begin
    for n in 1..9 loop
        began := clock_timestamp();
        execute query;
        best := least(best, clock_timestamp() - began);
    end loop;
    return format('%s ms of CPU, %s ms: %s', round((public.cpu() - worked) / 9000, 1),
        round((extract(epoch from best) * 1000)::numeric, 2), label);
end
$$;
-- It runs the queries as another role.
alter function public.cpu security definer;

\echo '--- one call'
select per_call($$users_sync.is_active('user_' || n % 100000)$$);
select per_call($$users_sync.has_role('user_' || n % 100000, 'org_' || n % 50000, 'admin')$$);
select per_call($$users_sync.has_permission('user_' || n % 100000, 'org_' || n % 50000, 'org:posts:write')$$);
select per_call($$users_sync.has_permission('user_' || n % 100000, 'org_' || n % 50000, 'no such one')$$);
select per_call($$users_sync.has_permission('user_' || n % 100000, null, 'billing')$$);

\echo '--- without policies'
select nine_runs('the documents of ten organizations', $$
    select count(*), max(title) from documents where organization_id in (
        'org_0', 'org_4999', 'org_9998', 'org_14997', 'org_19996',
        'org_24995', 'org_29994', 'org_34993', 'org_39992', 'org_44991')$$);
select nine_runs('the notes of one organization', $$select count(*), max(title) from notes where organization_id = 'org_4999'$$);
select nine_runs('all notes', $$select organization_id, count(*), max(title) from notes group by 1$$);

alter table documents enable row level security;
alter table notes enable row level security;

\echo '--- a policy for one organization'
create policy access on notes using (
    organization_id = (select current_setting('app.organization_id', true))
    and (select users_sync.has_permission(
        current_setting('app.user_id', true), current_setting('app.organization_id', true), 'org:posts:read')));
set role access_reader;
select nine_runs('the notes of one organization', $$select count(*), max(title) from notes$$);
reset role;

\echo '--- a policy for all organizations of the user: = any (array(select))'
drop policy access on notes;
create policy access on documents using (organization_id = any (array(
    select m.organization_id from neon_auth.memberships_active m
    where m.user_id = current_setting('app.user_id', true) and 'org:posts:read' = any (m.permissions))));
create policy access on notes using (organization_id = any (array(
    select m.organization_id from neon_auth.memberships_active m
    where m.user_id = current_setting('app.user_id', true) and 'org:posts:read' = any (m.permissions))));
set role access_reader;
select nine_runs('the documents of ten organizations', $$select count(*), max(title) from documents$$);
select nine_runs('all notes', $$select organization_id, count(*), max(title) from notes group by 1$$);
reset role;

\echo '--- the same with in (select)'
drop policy access on documents;
create policy access on documents using (organization_id in (
    select m.organization_id from neon_auth.memberships_active m
    where m.user_id = current_setting('app.user_id', true) and 'org:posts:read' = any (m.permissions)));
set role access_reader;
select nine_runs('the documents of ten organizations', $$select count(*), max(title) from documents$$);
reset role;

\echo '--- a policy that calls the function for each of 10,000 rows'
drop policy access on notes;
create policy access on notes using (
    users_sync.has_permission(current_setting('app.user_id', true), organization_id, 'org:posts:read'));
set role access_reader;
select nine_runs('10,000 notes', $$select count(*), max(title) from (select title from notes limit 10000) n$$);
reset role;

drop owned by access_reader;
drop role access_reader;
