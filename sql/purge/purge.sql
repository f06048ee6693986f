-- purge: makes the {plural} $1 count as purged
update users_sync.ledger
set purged_at = now()
where kind = '{kind}' and id = any ($1)
