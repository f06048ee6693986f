-- left: live grants of source $1 in organization $2 whose users are no members of it, as far as the tables know
select m.id, m.user_id, m.organization_id
from {table} m
join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id
where m.organization_id = $2
  and l.source = $1
  and l.deleted_at is null
  and not exists (
      select
      from {memberships} s
      where s.organization_id = m.organization_id and s.user_id = m.user_id and s.deleted_at is null
  )
order by m.id
