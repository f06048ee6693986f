-- counts: how many {plural} there are; counted up to $1 and estimated beyond, so that it is fast at any size
select
    case when m.counted <= $1 then m.counted else greatest(m.counted, c.reltuples::bigint) end as total,
    m.counted <= $1 as exact,
    d.counted as deleted,
    d.counted <= $1 as deleted_exact
from
    (select count(*) as counted from (select from {table} limit $1 + 1) one) m,
    (select count(*) as counted
     from (select from {table} where deleted_at is not null limit $1 + 1) one) d,
    pg_class c
where c.oid = '{table}'::regclass
