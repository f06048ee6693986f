-- done: records that the request with key $1 created user $2
update users_sync.requests
set user_id = $2
where key = $1
