-- find: one delivery with its bytes
select
    source, delivery_id, event_type, entity_id, version_at, received_at, processed_at,
    attempts, outcome, reason, octet_length(body) as body_bytes, body
from users_sync.journal
where source = $1 and delivery_id = $2
