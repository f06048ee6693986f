-- enter: enters the rows with ids $2 into the ledger as those of source $1, at a version before any delivery; $3
-- says which of them are disabled, so that the view does not show them as active, and $4 when they were deleted;
-- returns the ids that are new
insert into users_sync.ledger as l
    (kind, id, source, version_at, version_delivery, disabled, deleted_at, first_deleted_at, last_deleted_at)
select '{kind}', d.id, $1, timestamptz 'epoch', 'adopted', d.disabled, d.deleted_at, d.deleted_at, d.deleted_at
from unnest($2, $3, $4) as d (id, disabled, deleted_at)
on conflict (kind, id) do update
set source = excluded.source, version_at = excluded.version_at, version_delivery = excluded.version_delivery,
    disabled = excluded.disabled
-- A migration records that a user was deleted, but not to which source the user belongs.
where l.source = '' and l.version_at is null and l.purged_at is null
returning id
