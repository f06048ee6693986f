-- unknown: how many rows the ledger does not know, without those that applications made before their entity was known
select count(*)
from {table} u
where not exists (select from users_sync.ledger l where l.kind = '{kind}' and l.id = u.id)
  and u.raw_json <> jsonb_build_object('id', u.id)
