-- bury: makes sure that the {plural} $1 count as deleted, known or not
insert into users_sync.ledger as l
    (kind, id, source, deleted_at, first_deleted_at, last_deleted_at)
select '{kind}', d.id, '', t.at, t.at, t.at
from unnest($1::text[]) as d (id)
cross join (select now() - interval '1 microsecond') as t (at)
order by d.id collate "C"
on conflict (kind, id) do update
set deleted_at = coalesce(l.deleted_at, excluded.deleted_at),
    first_deleted_at = coalesce(l.first_deleted_at, excluded.first_deleted_at),
    -- One that was restored has an earlier deletion, which does not count any more.
    last_deleted_at = case when l.deleted_at is null
        then greatest(l.last_deleted_at, excluded.last_deleted_at) else l.last_deleted_at end,
    -- What was purged once is purged again: rows may have come back by hand.
    purged_at = null
