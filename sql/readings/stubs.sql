-- stubs: rows that applications made before their user was known, at most $1
select u.id
from neon_auth.users_sync u
where u.raw_json = jsonb_build_object('id', u.id)
  and not exists (select from users_sync.ledger l where l.kind = 'user' and l.id = u.id)
limit $1
