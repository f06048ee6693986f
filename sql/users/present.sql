-- present: which of the users $1 have a row that is not a stub
select u.id
from {table} u
where u.id = any ($1)
  and (
      u.raw_json <> jsonb_build_object('id', u.id)
      or exists (select from users_sync.ledger l where l.kind = '{kind}' and l.id = u.id)
  )
