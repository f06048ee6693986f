-- lock: locks the entities of kinds $1 with ids $2, in the order in which a batch locks them; answers which were deleted before $3
-- and are not purged
select l.kind, l.id, coalesce(l.deleted_at < $3 and l.purged_at is null, false) as due
from unnest($1::text[], $2::text[]) as k (kind, id)
join users_sync.ledger l on l.kind = k.kind and l.id = k.id
order by l.kind collate "C", l.id collate "C"
-- The provider may have said meanwhile that one exists, and another replica may have been faster.
for update of l
