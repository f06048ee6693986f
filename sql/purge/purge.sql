-- purge: makes those users $1 whose deletion lies before $2 count as purged, and removes the bytes that the journal keeps
-- of them; answers who they are: their rows are to be emptied or removed in the same transaction
with due as (
    select id
    from users_sync.ledger
    where kind = 'user' and id = any ($1)
      -- The provider may have said meanwhile that a user exists, and another replica may have been faster.
      and deleted_at < $2 and purged_at is null
    order by id
    for update
),
purged as (
    update users_sync.ledger l
    set purged_at = now()
    from due
    where l.kind = 'user' and l.id = due.id
    returning l.id
),
bodies as (
    update users_sync.journal j
    set body = null
    from due
    where j.kind = 'user' and j.entity_id = due.id and j.body is not null and j.outcome <> 'quarantined'
    returning j.delivery_id
),
quarantined as (
    update users_sync.journal j
    set body = null, outcome = 'ignored', reason = 'its user was erased', processed_at = now()
    where j.outcome = 'quarantined'
      -- Nobody could read whom it is about.
      and exists (
          select from due where position(convert_to('"' || due.id || '"', 'UTF8') in j.body) > 0
      )
    returning j.delivery_id
),
solved as (
    delete from users_sync.findings f
    using due
    where f.subject = 'purge' and f.id = due.id
)
select
    (select coalesce(array_agg(id), '{}') from purged) as ids,
    (select count(*) from bodies) as bodies,
    (select count(*) from quarantined) as quarantined
