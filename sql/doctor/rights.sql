-- rights: what the role may not do and has to, as `privilege on table`
select p.privilege || ' on ' || n.nspname || '.' || c.relname as missing
from (values
    ('neon_auth', 'users_sync'), ('users_sync', 'ledger'), ('users_sync', 'journal'),
    ('users_sync', 'findings'), ('users_sync', 'migrations')
) as t (schema, name)
join pg_namespace n on n.nspname = t.schema
join pg_class c on c.relnamespace = n.oid and c.relname = t.name
cross join unnest(array['select', 'insert', 'update', 'delete']) as p (privilege)
where not (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, p.privilege))
order by 1
