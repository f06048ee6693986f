-- mirror: what stands in the way of writing to the mirror $1
select
    c.relrowsecurity
        and not row_security_bypassed
        and (c.relforcerowsecurity or not pg_has_role(c.relowner, 'member')) as row_security,
    coalesce((
        select string_agg(i.indexrelid::regclass::text, ', ')
        from pg_index i
        where i.indrelid = c.oid and i.indisunique and not i.indisprimary
    ), '') as unique_indexes,
    coalesce((
        select string_agg(t.tgname, ', ')
        from pg_trigger t
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D'
    ), '') as triggers
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as r (row_security_bypassed)
where n.nspname = 'neon_auth' and c.relname = $1
