-- obstacle: the first thing that keeps this session from writing any delivery to the tables $2 of the schemas $1, null where there is none
with needed as (
    select schema, name from unnest($1, $2) as t (schema, name)
),
-- Looked up in the catalog: to_regclass fails where the schema may not be used.
tables as (
    select n.schema, n.name, p.privilege, c.oid, s.oid as schema_oid
    from needed n
    cross join unnest(array['select', 'insert', 'update']) as p (privilege)
    left join pg_namespace s on s.nspname = n.schema
    left join pg_class c on c.relnamespace = s.oid and c.relname = n.name
),
lacking as (
    select t.schema, t.name, t.privilege, t.oid is null as gone, has_schema_privilege(t.schema_oid, 'usage') as entered
    from tables t
    where t.oid is null
       or not has_schema_privilege(t.schema_oid, 'usage')
       or not has_table_privilege(t.oid, t.privilege)
    order by t.schema, t.name, t.privilege
    limit 1
),
-- Row security that no policy opens for this role.
closed as (
    select t.schema, t.name, t.privilege
    from tables t
    where row_security_active(t.oid)
      and not exists (
          select from pg_policy p
          where p.polrelid = t.oid and p.polpermissive
            and p.polcmd in ('*', case t.privilege when 'select' then 'r' when 'insert' then 'a' else 'w' end)
            and exists (select from unnest(p.polroles) as r (oid) where r.oid = 0 or pg_has_role(r.oid, 'usage'))
      )
    order by t.schema, t.name, t.privilege
    limit 1
)
select case
    when current_setting('transaction_read_only')::boolean then 'the server is read-only'
    when exists (select from lacking where gone) then (select format('%s.%s is missing', schema, name) from lacking)
    when exists (select from lacking where not entered) then (select format('the right to usage on schema %s is missing', schema) from lacking)
    when exists (select from lacking) then (select format('the right to %s on %s.%s is missing', privilege, schema, name) from lacking)
    when not exists (
        select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'users_sync' and p.proname = 'converge' and has_function_privilege(p.oid, 'execute')
    ) then 'the function users_sync.converge is missing, or the right to execute it'
    when exists (select from closed) then (select format('row security of %s.%s holds for this role, and no policy lets it %s', schema, name, privilege) from closed)
end as obstacle
