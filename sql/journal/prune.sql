-- prune: removes up to $2 of the rows received before $1 and not before $3, with what they mention, but nothing in quarantine; how
-- many they were, and when the last of them was received
with removed as (
    delete from users_sync.journal
    where ctid = any (array(
        select ctid
        from users_sync.journal
        where received_at < $1 and received_at >= $3
          -- It may be the only copy of what was acknowledged.
          and outcome <> 'quarantined'
        order by received_at
        limit $2
        -- Another replica may be at it too.
        for update skip locked
    ))
    returning source, delivery_id, received_at
),
forgotten as (
    delete from users_sync.mentions m
    using removed r
    where m.source = r.source and m.delivery_id = r.delivery_id
)
select count(*) as rows, max(received_at) as last
from removed
