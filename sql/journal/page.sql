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
        {found}
    ) looked_at
) numbered
where matches or place = $10
limit $11::bigint
