-- prune: removes the requests that began before $1, after which their keys can be used again
delete from users_sync.requests
where begun_at < $1
