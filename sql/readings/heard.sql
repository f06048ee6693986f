-- heard: when each of the entities $1 was last heard of, by its version or by when it arrived; no row for an unknown entity
select known.id, heard.at
from unnest($1) as known (id)
left join users_sync.ledger l on l.kind = '{kind}' and l.id = known.id
left join {table} m on m.id = known.id
cross join lateral (
    select greatest(
        l.version_at,
        -- The API showed it to lift a tombstone.
        l.fence,
        -- A row that the ledger does not know has no version.
        case when l.id is null then greatest(m.created_at, m.updated_at) end,
        (
            select greatest(j.received_at, j.processed_at)
            from users_sync.journal j
            where j.kind = '{kind}' and j.entity_id = known.id
            order by j.received_at desc
            limit 1
        ),
        -- Where a delivery names it second or further.
        (
            select greatest(j.received_at, j.processed_at)
            from users_sync.mentions n
            join users_sync.journal j on j.source = n.source and j.delivery_id = n.delivery_id
            where n.kind = '{kind}' and n.entity_id = known.id
            order by n.received_at desc
            limit 1
        )
    ) as at
) heard
where heard.at is not null
