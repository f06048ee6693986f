-- due: up to $2 users that were deleted before $1 and still stand, those after ($3, $4) in the order of their deletion
select id, deleted_at
from users_sync.ledger
where kind = 'user' and deleted_at < $1 and purged_at is null
  and ($3::timestamptz is null or (deleted_at, id) > ($3, $4::text))
order by deleted_at, id
limit $2
