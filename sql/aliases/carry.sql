-- carry: the deletions of {kind} $2 of source $1 become those of $3, which is the same {kind}
insert into users_sync.ledger as l
    (kind, id, source, first_deleted_at, last_deleted_at, deleted_at)
select kind, $3, source, first_deleted_at, last_deleted_at, deleted_at
from users_sync.ledger
where kind = '{kind}' and id = $2 and source = $1 and deleted_at is not null and purged_at is null
on conflict (kind, id) do update
set first_deleted_at = least(l.first_deleted_at, excluded.first_deleted_at),
    last_deleted_at = greatest(l.last_deleted_at, excluded.last_deleted_at),
    deleted_at = users_sync.tombstone(
        least(l.first_deleted_at, excluded.first_deleted_at),
        greatest(l.last_deleted_at, excluded.last_deleted_at),
        l.fence
    )
where l.source = excluded.source and l.purged_at is null
