-- empty: the row of a {kind} that has another id from now on stays, for the application's foreign keys
update {table}
set {empty}, deleted_at = coalesce(deleted_at, now()), raw_json = jsonb_build_object('id', id)
where id = $1
