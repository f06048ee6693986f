-- readers: of each of the roles $1, in the order given: whether it exists, the grants that it lacks to use the schemas $2,
-- to read the relations $3 and to call the functions $4, and the privileges that let it write to them
select
    wanted.name,
    r.oid is not null as known,
    array(
        select format('grant %s %s to %I', l.privilege, string_agg(l.object, ', ' order by l.place), wanted.name)
        from (
            select 1 as step, 'usage on schema' as privilege, s.name as object, s.place
            from unnest($2) with ordinality as s (name, place)
            where not coalesce(has_schema_privilege(r.oid, to_regnamespace(s.name), 'usage'), false)
            union all
            select 2, 'select on', t.name, t.place
            from unnest($3) with ordinality as t (name, place)
            where not coalesce(has_table_privilege(r.oid, to_regclass(t.name), 'select'), false)
            union all
            select 3, 'execute on function', f.name, f.place
            from unnest($4) with ordinality as f (name, place)
            where not coalesce(has_function_privilege(r.oid, to_regproc(f.name), 'execute'), false)
        ) as l
        group by l.step, l.privilege
        order by l.step
    ) as lacking,
    array(
        select p.privilege
        from unnest(array['insert', 'update', 'delete', 'truncate']) with ordinality as p (privilege, place)
        where exists (
            select
            from unnest($3) as t (name)
            where has_table_privilege(r.oid, to_regclass(t.name), p.privilege)
               -- A grant on a single column also lets it write.
               or (p.privilege in ('insert', 'update')
                   and has_any_column_privilege(r.oid, to_regclass(t.name), p.privilege))
        )
        order by p.place
    ) as writes
from unnest($1) with ordinality as wanted (name, place)
left join pg_roles r on r.rolname = wanted.name
order by wanted.place
