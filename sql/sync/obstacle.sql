-- obstacle: the first thing that keeps this session from writing any delivery, null where there is none
with needed (name, privileges) as (
    values
        ('neon_auth.users_sync', array['select', 'insert', 'update']),
        ('users_sync.ledger', array['select', 'insert', 'update']),
        ('users_sync.journal', array['select', 'insert', 'update']),
        ('users_sync.marks', array['select', 'insert', 'update'])
),
lacking as (
    select n.name, p.privilege, to_regclass(n.name) is null as gone
    from needed n
    cross join unnest(n.privileges) as p (privilege)
    where to_regclass(n.name) is null
       or not has_schema_privilege(split_part(n.name, '.', 1), 'usage')
       or not has_table_privilege(to_regclass(n.name), p.privilege)
    order by n.name, p.privilege
    limit 1
)
select case
    when current_setting('transaction_read_only')::boolean then 'the server is read-only'
    when exists (select from lacking where gone) then (select format('%s is missing', name) from lacking)
    when exists (select from lacking) then (select format('the right to %s on %s is missing', privilege, name) from lacking)
    when not exists (
        select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'users_sync' and p.proname = 'write_batch' and has_function_privilege(p.oid, 'execute')
    ) then 'the function users_sync.write_batch is missing, or the right to execute it'
    when exists (
        select from pg_class c, pg_roles r
        where c.oid = to_regclass('neon_auth.users_sync') and r.rolname = current_user
          and c.relrowsecurity and not (r.rolsuper or r.rolbypassrls)
          and (c.relforcerowsecurity or not pg_has_role(c.relowner, 'member'))
    ) then 'row security of neon_auth.users_sync holds for this role'
end as obstacle
