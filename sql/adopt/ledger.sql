-- ledger: every row of the mirror that the ledger does not know, at a version that lies before any delivery of source $1
insert into users_sync.ledger
    (kind, id, source, version_at, version_delivery, deleted_at, first_deleted_at, last_deleted_at)
select 'user', id, $1, timestamptz 'epoch', 'adopted', deleted_at, deleted_at, deleted_at
from neon_auth.users_sync
where octet_length(id) between 1 and 255
on conflict (kind, id) do nothing
