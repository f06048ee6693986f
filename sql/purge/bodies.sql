-- bodies: removes the bytes that the journal keeps of deliveries that name the {plural} $1, first or further
update users_sync.journal j
set body = null
where j.body is not null and j.outcome <> 'quarantined'
  and (j.source, j.delivery_id) in (
      select n.source, n.delivery_id
      from users_sync.journal n
      where n.kind = '{kind}' and n.entity_id = any ($1)
      union all
      select m.source, m.delivery_id
      from users_sync.mentions m
      where m.kind = '{kind}' and m.entity_id = any ($1)
  )
