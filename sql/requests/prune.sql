-- prune: forgets the requests that began before $1; a key means something for so long
delete from users_sync.requests
where begun_at < $1
