-- again: the user $2 of source $1 is to be fetched once more for mark $3, in $4 seconds; for a later one at once
update users_sync.marks
set due_at = clock_timestamp() + case when mark = $3 then make_interval(secs => $4) else interval '0' end,
    attempts = case when mark = $3 then attempts else 0 end
where source = $1 and kind = 'user' and id = $2
