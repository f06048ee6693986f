-- read: the next $2 users after $1 that show a snapshot, with its version
select u.id, u.raw_json::text as raw_json, l.source, l.version_at, l.version_delivery
from neon_auth.users_sync u
join users_sync.ledger l on l.kind = 'user' and l.id = u.id
where u.id > $1 and l.version_at is not null and l.purged_at is null
order by u.id
limit $2
