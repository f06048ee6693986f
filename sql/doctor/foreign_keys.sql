-- foreign_keys: the applications' foreign keys on the mirror $1
select
    k.conname::text as name,
    k.conrelid::regclass::text as table,
    k.confdeltype::text as on_delete,
    (select string_agg(a.attname, ', ')
     from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) as columns,
    (select bool_or(a.attnotnull)
     from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey)) as required,
    exists (
        select from pg_index i
        where i.indrelid = k.conrelid and i.indisvalid and i.indkey[0] = any (k.conkey)
    ) as indexed
from pg_constraint k
join pg_class c on c.oid = k.confrelid
join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.conparentid = 0 and n.nspname = 'neon_auth' and c.relname = $1
order by 2, 1
