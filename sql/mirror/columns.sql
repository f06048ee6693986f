-- columns: the columns of the mirror tables $1 as they are, none of a table that does not exist
select
    c.relname::text as mirror,
    c.relkind::text as relkind,
    a.attname::text as name,
    format_type(a.atttypid, a.atttypmod) as type,
    a.attgenerated <> '' or a.attidentity <> '' as generated,
    a.attnotnull as required,
    a.atthasdef as has_default,
    coalesce(array_position(i.indkey::int2[], a.attnum) is not null, false) as in_key,
    coalesce(i.indnkeyatts, 0)::integer as key_length,
    coalesce(not i.indimmediate, false) as key_deferrable
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where n.nspname = 'neon_auth' and c.relname = any ($1)
order by c.relname, a.attnum
