-- readers: of each role, in the order given: whether it exists, the grants that it lacks, and the privileges that
-- let it write
select
    wanted.name,
    r.oid is not null as known,
    array_remove(array[
        case when not coalesce(has_schema_privilege(r.oid, s.neon_auth, 'usage'), false)
            then format('grant usage on schema neon_auth to %I', wanted.name) end,
        case when not coalesce(has_table_privilege(r.oid, s.users_sync, 'select'), false)
            then format('grant select on neon_auth.users_sync to %I', wanted.name) end,
        case when not coalesce(has_table_privilege(r.oid, s.users_active, 'select'), false)
            then format('grant select on neon_auth.users_active to %I', wanted.name) end
    ], null) as lacking,
    array(
        select p.privilege
        from unnest(array['insert', 'update', 'delete', 'truncate']) with ordinality as p (privilege, place)
        where has_table_privilege(r.oid, s.users_sync, p.privilege)
           -- A grant on a single column also lets it write.
           or (p.privilege in ('insert', 'update')
               and has_any_column_privilege(r.oid, s.users_sync, p.privilege))
        order by p.place
    ) as writes
from unnest($1) with ordinality as wanted (name, place)
left join pg_roles r on r.rolname = wanted.name
cross join (select
    to_regnamespace('neon_auth')::oid,
    to_regclass('neon_auth.users_sync')::oid,
    to_regclass('neon_auth.users_active')::oid
) as s (neon_auth, users_sync, users_active)
order by wanted.place
