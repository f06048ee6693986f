-- unlisted: entities that source $1 should list, after id $2, at most $3; those that the ledger does not know only if $4
select
    m.id,
    {user_id} as user_id,
    {organization_id} as organization_id,
    -- Its user or its organization is deleted, so it is expected to be gone.
    {is_orphan} as is_orphan
from {table} m
left join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id
where m.id > $2
  and m.deleted_at is null
  and l.deleted_at is null
  and (
      l.source = $1
      -- A stub cannot be gone: its entity may be on the way.
      or ($4 and l.id is null and m.raw_json <> jsonb_build_object('id', m.id))
  )
order by m.id
limit $3
