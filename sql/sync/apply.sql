-- apply: writes one batch by the law of convergence; returns the outcome of each delivery, and what changed
select source, delivery_id, outcome, entity_kind, entity_id, owner
from users_sync.converge(
    claims => $1, deliveries => $2, mentions => $3, notify_channel => $4, lock_wait => $5
)
