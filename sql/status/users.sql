-- users: how many there are; counted up to $1 and estimated beyond, so that it is fast at any size
select
    case when u.counted <= $1 then u.counted else greatest(u.counted, c.reltuples::bigint) end as total,
    u.counted <= $1 as exact,
    d.counted as deleted,
    d.counted <= $1 as deleted_exact,
    s.counted as stubs
from
    (select count(*) as counted from (select from neon_auth.users_sync limit $1 + 1) one) u,
    (select count(*) as counted
     from (select from neon_auth.users_sync where deleted_at is not null limit $1 + 1) one) d,
    -- ensure_user has marked them, in nobody's name, until the provider tells who they are.
    (select count(*) as counted
     from (
         select
         from users_sync.marks m
         where m.source = ''
           and not exists (select from users_sync.ledger l where l.kind = m.kind and l.id = m.id)
         limit $1
     ) one) s,
    pg_class c
where c.oid = 'neon_auth.users_sync'::regclass
