-- enter: the rows with ids $2 enter the ledger as those of source $1, at a version that lies before any delivery; $3 says
-- which of them are disabled, so that those are not shown as active, and $4 when they were deleted; answers who is new
insert into users_sync.ledger as l
    (kind, id, source, version_at, version_delivery, disabled, deleted_at, first_deleted_at, last_deleted_at)
select '{kind}', d.id, $1, timestamptz 'epoch', 'adopted', d.disabled, d.deleted_at, d.deleted_at, d.deleted_at
from unnest($2, $3, $4) as d (id, disabled, deleted_at)
on conflict (kind, id) do update
set source = excluded.source, version_at = excluded.version_at, version_delivery = excluded.version_delivery,
    disabled = excluded.disabled
-- A migration remembers who was deleted, but not whose.
where l.source = '' and l.version_at is null and l.purged_at is null
returning id
