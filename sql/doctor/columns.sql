-- columns: columns that have one of the names $1, in lower case without underscores, but whose type can hold no id of ours
select a.attrelid::regclass::text as table, a.attname::text as column, format_type(a.atttypid, null) as type
from pg_attribute a
join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
join pg_namespace n on n.oid = c.relnamespace
where n.nspname not in ('pg_catalog', 'information_schema', 'neon_auth', 'users_sync')
  and n.nspname not like 'pg\_%'
  and a.attnum > 0 and not a.attisdropped
  and lower(replace(a.attname, '_', '')) = any ($1)
  and a.atttypid in ('uuid'::regtype, 'bigint'::regtype, 'integer'::regtype)
  -- Somebody else's users are somebody else's affair.
  and not exists (
      select from pg_constraint k
      where k.contype = 'f' and k.conrelid = c.oid and a.attnum = any (k.conkey)
  )
order by 1, 2
limit 20
