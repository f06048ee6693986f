-- stubs: rows that applications made before their entity was known, at most $1
select m.id
from {table} m
where m.raw_json = jsonb_build_object('id', m.id)
  and not exists (select from users_sync.ledger l where l.kind = '{kind}' and l.id = m.id)
limit $1
