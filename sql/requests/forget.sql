-- forget: the request with key $1 has created nobody; those of more than a week ago are forgotten with it
delete from users_sync.requests
where (key = $1 and user_id is null) or begun_at < now() - interval '7 days'
