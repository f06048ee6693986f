-- forget: the request with key $1 has created nobody, and may be made again
delete from users_sync.requests
where key = $1 and user_id is null
