-- naming: removes the bytes that the journal keeps of deliveries about entities of kinds $2 that have $1 in their bytes: the row of
-- such an entity may not say any more on whom it hung
update users_sync.journal j
set body = null
where j.kind = any ($2) and j.entity_id is not null
  and j.body is not null and j.outcome <> 'quarantined' and position($1::bytea in j.body) > 0
