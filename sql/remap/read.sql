-- read: the next $2 entities after $1 that show a snapshot, with its version; raw_json is null if its text would be too long
select
    page.id,
    case when users_sync.is_printable(page.raw_json) then page.raw_json end as raw_json,
    page.source, page.version_at, page.version_delivery
from (
    select m.id, m.raw_json, l.source, l.version_at, l.version_delivery
    from {table} m
    join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id
    where m.id > $1 and l.version_at is not null and l.purged_at is null
    order by m.id
    limit $2
) page
order by page.id
