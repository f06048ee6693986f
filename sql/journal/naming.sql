-- naming: up to 20 of the newest 1,000 deliveries in quarantine that have $1 in their bytes, newest first
select source, delivery_id, received_at
from (
    select source, delivery_id, received_at, body
    from users_sync.journal
    where outcome = 'quarantined'
    order by received_at desc
    limit 1000
) looked_at
where position($1::bytea in body) > 0
order by received_at desc
limit 20
