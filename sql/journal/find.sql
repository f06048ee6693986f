-- find: one delivery with its bytes, and the entities that it names besides the first
select
    j.source, j.delivery_id, j.event_type, j.kind, j.entity_id, j.version_at, j.received_at, j.processed_at,
    j.attempts, j.outcome, j.reason, octet_length(j.body) as body_bytes, j.body,
    array(
        select m.kind
        from users_sync.mentions m
        where m.source = j.source and m.delivery_id = j.delivery_id
        order by m.kind, m.entity_id
    ) as further_kinds,
    array(
        select m.entity_id
        from users_sync.mentions m
        where m.source = j.source and m.delivery_id = j.delivery_id
        order by m.kind, m.entity_id
    ) as further_ids
from users_sync.journal j
where j.source = $1 and j.delivery_id = $2
