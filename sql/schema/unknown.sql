-- unknown: how many rows the ledger does not know, without those that applications made before their user was known
select count(*)
from neon_auth.users_sync u
where not exists (select from users_sync.ledger l where l.kind = 'user' and l.id = u.id)
  and u.raw_json <> jsonb_build_object('id', u.id)
