-- retire: {kind} $2 of source $1 has another id from now on, so this one is never filled again. Without $3 no session can be
-- about to fill it, so that it matters only if it is there.
insert into users_sync.ledger as l
    (kind, id, source, first_deleted_at, last_deleted_at, deleted_at, purged_at)
select '{kind}', $2, $1, now(), now(), now(), now()
where $3
   or exists (select from users_sync.ledger where kind = '{kind}' and id = $2)
   or exists (select from {table} where id = $2)
on conflict (kind, id) do update
set deleted_at = coalesce(l.deleted_at, excluded.deleted_at),
    first_deleted_at = coalesce(l.first_deleted_at, excluded.first_deleted_at),
    last_deleted_at = coalesce(l.last_deleted_at, excluded.last_deleted_at),
    source = excluded.source,
    purged_at = excluded.purged_at
where l.source in ('', excluded.source) and l.purged_at is null
returning id
