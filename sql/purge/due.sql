-- due: up to $2 {plural} that were deleted before $1 and still stand, those after ($3, $4) in the order of their deletion
select l.id, l.deleted_at
from users_sync.ledger l
where l.kind = '{kind}' and l.deleted_at < $1 and l.purged_at is null
  and ($3::timestamptz is null or (l.deleted_at, l.id) > ($3, $4::text))
  -- $5: whether an id may live again. Such a one is never marked as purged; what is left of it tells.
  and (
      not $5
      or exists (
          select from {table} m
          -- $6: whether an empty row is to go too.
          where m.id = l.id and ($6 or m.raw_json <> jsonb_build_object('id', m.id))
      )
      or exists (
          select from users_sync.journal j
          where j.kind = l.kind and j.entity_id = l.id and j.body is not null and j.outcome <> 'quarantined'
      )
  )
order by l.deleted_at, l.id
limit $2
