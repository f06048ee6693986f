-- forget: removes the request with key $1, which created no user, so that it can be made again
delete from users_sync.requests
where key = $1 and user_id is null
