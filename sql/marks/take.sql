-- take: marks that are due, at most $1, for $2 seconds; of the sources $3, or of no source
with taken as (
    update users_sync.marks m
    set due_at = clock_timestamp() + make_interval(secs => $2 * (m.attempts + 1)), attempts = m.attempts + 1
    from (
        select source, kind, id
        from users_sync.marks
        where due_at <= clock_timestamp() and source = any ($3)
        order by due_at
        limit $1
        -- Another replica may be at it too.
        for update skip locked
    ) due
    where (m.source, m.kind, m.id) = (due.source, due.kind, due.id)
    returning m.source, m.kind, m.id, m.mark, m.attempts
)
select
    t.source, t.kind, t.id, t.mark, t.attempts,
    l.version_at, l.last_deleted_at, l.deleted_at is not null as is_deleted
from taken t
left join users_sync.ledger l on l.kind = t.kind and l.id = t.id
