-- again: the entity $3 of kind $2 and source $1 is to be fetched once more for mark $4, in $5 seconds; for a later one at once
update users_sync.marks
set due_at = clock_timestamp() + case when mark = $4 then make_interval(secs => $5) else interval '0' end,
    attempts = case when mark = $4 then attempts else 0 end
where source = $1 and kind = $2 and id = $3
