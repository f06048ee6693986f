-- recall: up to $11 deliveries with their bytes, oldest first, among the next $10 that an index finds; the $10th comes
-- even where it does not match, so that the search can go on from there
select *
from (
    select
        source, delivery_id, received_at, body,
        ($2::text is null or outcome = $2) and ($4::text is null or event_type = $4)
            and ($12::text is null or reason = $12) as matches,
        row_number() over () as place
    from (
        select source, delivery_id, event_type, received_at, outcome, reason, body
        from users_sync.journal
        where ($1::text is null or source = $1)
          and ($2::text is null or $2 = 'applied' or outcome = $2)
          and ($3::text is null or (kind = 'user' and entity_id = $3))
          and received_at >= coalesce($5::timestamptz, '-infinity')
          and ($6::timestamptz is null or received_at < $6)
          and ($7::timestamptz is null
              or (received_at >= $7 and (received_at, source, delivery_id) > ($7, $8::text, $9::text)))
        order by received_at, source, delivery_id
        limit $10::bigint
    ) looked_at
) numbered
where matches or place = $10
limit $11::bigint
