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
        {found}
    ) looked_at
) numbered
where matches or place = $10
limit $11::bigint
