-- lost: how many living entities the ledger knows and the mirror lacks
select count(*)
from users_sync.ledger l
where l.kind = '{kind}' and l.deleted_at is null
  and not exists (select from {table} u where u.id = l.id)
