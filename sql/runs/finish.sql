-- finish: run $1 is over with outcome $2, for reason $3
update users_sync.runs
set outcome = $2, reason = $3, finished_at = now(), updated_at = now()
where id = $1
