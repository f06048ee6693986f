-- progress: records how far run $1 came, in place of its earlier progress
update users_sync.runs
set cursor = $2, seen = $3, missing = $4, stale = $5, restored = $6, gone = $7, unreadable = $8,
    unannounced = $9, unannounced_since = $10, updated_at = now()
where id = $1
