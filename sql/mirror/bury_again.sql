-- bury_again: the tombstones that the ledger knows, into a mirror that lacks them
insert into {table} (id, deleted_at, raw_json)
select l.id, l.deleted_at, jsonb_build_object('id', l.id)
from users_sync.ledger l
where l.kind = '{kind}' and l.deleted_at is not null and l.purged_at is null
on conflict do nothing
