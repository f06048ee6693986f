-- finish: ends run $1 with outcome $2, for reason $3; it asked instance $4
update users_sync.runs
set outcome = $2, reason = $3, instance = $4, finished_at = now(), updated_at = now()
where id = $1
