-- show: the tombstone of {kind} $2 of source $1, in its mirror
insert into {table} as m (id, deleted_at, raw_json)
select id, deleted_at, jsonb_build_object('id', id)
from users_sync.ledger
where kind = '{kind}' and id = $2 and source = $1 and deleted_at is not null and purged_at is null
on conflict (id) do update set deleted_at = excluded.deleted_at
where m.deleted_at is distinct from excluded.deleted_at
