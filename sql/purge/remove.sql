-- remove: the rows of the purged users $1; a statement of its own, so that only it needs the right to delete
delete from neon_auth.users_sync
where id = any ($1)
