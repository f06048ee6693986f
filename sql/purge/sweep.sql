-- sweep: removes the bytes of late deliveries that name what is purged already, of those received after $1
update users_sync.journal j
set body = null
where j.received_at > $1 and j.body is not null and j.outcome <> 'quarantined'
  and (
      exists (
          select from users_sync.ledger l
          where l.kind = j.kind and l.id = j.entity_id and l.purged_at is not null
      )
      or exists (
          select from users_sync.mentions m
          join users_sync.ledger l on l.kind = m.kind and l.id = m.entity_id
          where m.source = j.source and m.delivery_id = j.delivery_id and l.purged_at is not null
      )
  )
