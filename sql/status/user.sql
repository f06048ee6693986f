-- user: what the mirror shows of a user and what the ledger knows; no row where neither has one; name and
-- email end after 1,000 characters; raw_json is null where it cannot be printed
select
    u.id is not null as mirrored, left(u.name, 1000) as name, left(u.email, 1000) as email,
    u.created_at, u.updated_at, u.deleted_at,
    case when users_sync.is_printable(u.raw_json) then u.raw_json end as raw_json,
    l.source, l.version_at, l.version_delivery, l.deleted_at as tombstone, l.disabled, l.purged_at
from (select $1::text as id) wanted
left join neon_auth.users_sync u on u.id = wanted.id
left join users_sync.ledger l on l.kind = 'user' and l.id = wanted.id
where u.id is not null or l.id is not null
