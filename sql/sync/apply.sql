-- apply: writes one batch by the law of convergence; answers the outcome of each delivery by its place, from 1, and what changed
select place, outcome, entity_kind, entity_id, owner
from users_sync.write_batch(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29
)
