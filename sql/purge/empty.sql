-- empty: the rows of the deleted {plural} $1 show nothing any more but the id and the deletion
update {table} m
set {emptied}, raw_json = jsonb_build_object('id', m.id), deleted_at = l.deleted_at
from users_sync.ledger l
where l.kind = '{kind}' and l.id = m.id and m.id = any ($1)
