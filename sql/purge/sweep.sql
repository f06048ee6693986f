-- sweep: removes the bytes of late deliveries about users that are purged already, of those received after $1
update users_sync.journal j
set body = null
from users_sync.ledger l
where j.received_at > $1 and j.body is not null and j.outcome <> 'quarantined'
  and l.kind = j.kind and l.id = j.entity_id and l.purged_at is not null
