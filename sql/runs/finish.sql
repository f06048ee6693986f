-- finish: run $1 is over with outcome $2, for reason $3; it has asked instance $4
update users_sync.runs
set outcome = $2, reason = $3, instance = $4, finished_at = now(), updated_at = now()
where id = $1
