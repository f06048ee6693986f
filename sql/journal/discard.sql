-- discard: removes the deliveries of sources $1 with ids $2 that are in quarantine; the row count is theirs
update users_sync.journal j
set outcome = 'ignored', reason = 'discarded by an operator', body = null, processed_at = now()
from unnest($1, $2) as d (source, delivery_id)
where j.source = d.source and j.delivery_id = d.delivery_id and j.outcome = 'quarantined'
