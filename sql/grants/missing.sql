-- missing: the privileges $3 that our role needs and lacks on the objects $2 of the kinds $1; a missing object
-- lacks nothing
with wanted as (
    select *
    from unnest($1, $2, $3) with ordinality as w (kind, name, privilege, place)
)
select w.privilege || ' on schema ' || n.nspname as missing, w.place
from wanted w
join pg_namespace n on n.nspname = w.name
where w.kind = 'schema' and not has_schema_privilege(n.oid, w.privilege)
union all
select w.privilege || ' on ' || w.name, w.place
from wanted w
join pg_namespace n on n.nspname = split_part(w.name, '.', 1)
join pg_class c on c.relnamespace = n.oid and c.relname = split_part(w.name, '.', 2)
where w.kind = 'table' and not has_table_privilege(c.oid, w.privilege)
union all
-- A function that runs with its owner's rights is for applications.
select distinct w.privilege || ' on function ' || w.name || '.' || p.proname, w.place
from wanted w
join pg_namespace n on n.nspname = w.name
join pg_proc p on p.pronamespace = n.oid and not p.prosecdef
where w.kind = 'functions' and not has_function_privilege(p.oid, w.privilege)
order by place, missing
