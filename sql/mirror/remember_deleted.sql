-- remember_deleted: tombstones that a mirror shows and a new ledger does not know, so that no late delivery lifts them
insert into users_sync.ledger (kind, id, source, deleted_at, first_deleted_at, last_deleted_at)
select '{kind}', id, '', deleted_at, deleted_at, deleted_at
from {table}
where deleted_at is not null and octet_length(id) between 1 and 255
on conflict (kind, id) do nothing
