-- empty: the rows of the purged users $1 show nothing any more but the id and the deletion
update neon_auth.users_sync u
set name = null, email = null, raw_json = jsonb_build_object('id', u.id), deleted_at = l.deleted_at
from users_sync.ledger l
where l.kind = 'user' and l.id = u.id and u.id = any ($1)
