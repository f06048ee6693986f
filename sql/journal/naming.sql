-- naming: up to 20 of the newest 1,000 deliveries in quarantine, and of the newest 64 MiB of those, that have $1 in their
-- bytes, newest first
select source, delivery_id, received_at
from (
    select source, delivery_id, received_at, body,
        -- The lengths are known without reading the bytes.
        sum(octet_length(body)) over (order by received_at desc rows unbounded preceding) as so_far
    from (
        select source, delivery_id, received_at, body
        from users_sync.journal
        where outcome = 'quarantined'
        order by received_at desc
        limit 1000
    ) newest
) looked_at
where so_far <= 64 * 1024 * 1024 and position($1::bytea in body) > 0
order by received_at desc
limit 20
