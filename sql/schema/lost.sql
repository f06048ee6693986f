-- lost: how many living users the ledger knows and the mirror lacks
select count(*)
from users_sync.ledger l
where l.kind = 'user' and l.deleted_at is null
  and not exists (select from neon_auth.users_sync u where u.id = l.id)
