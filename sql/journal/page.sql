-- page: up to $11 deliveries, newest first, among the next $10 that an index finds; the $10th comes even where it does
-- not match (`matches` is false), so that the search can go on from there: no filter makes a page slow
select
    numbered.*,
    -- The first hundred of them: a delivery may name thousands.
    array(
        select m.kind
        from users_sync.mentions m
        where m.source = numbered.source and m.delivery_id = numbered.delivery_id
        order by m.kind, m.entity_id
        limit 100
    ) as further_kinds,
    array(
        select m.entity_id
        from users_sync.mentions m
        where m.source = numbered.source and m.delivery_id = numbered.delivery_id
        order by m.kind, m.entity_id
        limit 100
    ) as further_ids
from (
    select
        source, delivery_id, event_type, kind, entity_id, version_at, received_at, processed_at,
        attempts, outcome, reason, body_bytes,
        ($2::text is null or outcome = $2) and ($4::text is null or event_type = $4)
            and ($12::text is null or reason = $12) as matches,
        row_number() over () as place
    from (
        (
            select
                j.source, j.delivery_id, j.received_at,
                j.event_type, j.kind, j.entity_id, j.version_at, j.processed_at,
                j.attempts, j.outcome, j.reason, octet_length(j.body) as body_bytes
            from users_sync.journal j
            where ($1::text is null or j.source = $1)
              -- Only what is rare has an index.
              and ($2::text is null or $2 = 'applied' or j.outcome = $2)
              and ($3::text is null or (j.kind = $3 and j.entity_id = $13::text))
              and j.received_at >= coalesce($5::timestamptz, '-infinity')
              and ($6::timestamptz is null or j.received_at < $6)
              and ($7::timestamptz is null
                  or (j.received_at <= $7
                      and (j.received_at, j.source, j.delivery_id) < ($7, $8::text, $9::text)))
            order by j.received_at desc, j.source desc, j.delivery_id desc
            limit $10::bigint
        )
        union all
        -- Those that name the entity second or further.
        (
            select
                m.source, m.delivery_id, m.received_at,
                j.event_type, j.kind, j.entity_id, j.version_at, j.processed_at,
                j.attempts, j.outcome, j.reason, octet_length(j.body) as body_bytes
            from users_sync.mentions m
            join users_sync.journal j on j.source = m.source and j.delivery_id = m.delivery_id
            where m.kind = $3 and m.entity_id = $13
              and (j.kind, j.entity_id) is distinct from (m.kind, m.entity_id)
              and ($1::text is null or m.source = $1)
              and ($2::text is null or $2 = 'applied' or j.outcome = $2)
              and m.received_at >= coalesce($5::timestamptz, '-infinity')
              and ($6::timestamptz is null or m.received_at < $6)
              and ($7::timestamptz is null
                  or (m.received_at <= $7
                      and (m.received_at, m.source, m.delivery_id) < ($7, $8::text, $9::text)))
            order by m.received_at desc, m.source desc, m.delivery_id desc
            limit $10::bigint
        )
        order by received_at desc, source desc, delivery_id desc
        limit $10::bigint
    ) looked_at
) numbered
where matches or place = $10
limit $11::bigint
