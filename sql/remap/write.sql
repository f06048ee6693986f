-- write: the columns derived again from raw_json, if the row still shows the version that they were derived from; the row
-- count is that of the entities that changed
with derived as (
    select *
    from unnest($1) as d (
        kind, id, source, version_at, version_delivery, first_deleted_at, last_deleted_at, fence,
        disabled, marked, texts, permissions, created_at, updated_at, raw_json
    )
),
standing as (
    select d.*, l.disabled as was_disabled
    from users_sync.ledger l
    join derived d on d.id = l.id
    where l.kind = '{kind}'
      and (l.version_at, l.version_delivery) = (d.version_at, d.version_delivery)
      and l.purged_at is null
    order by l.id
    -- The ledger's lock is the arbiter: no newer snapshot can come between.
    for update of l
),
ledgered as (
    update users_sync.ledger l set disabled = s.disabled
    from standing s
    where l.kind = '{kind}' and l.id = s.id and s.disabled <> s.was_disabled
    returning l.id
),
wanted as (
    select
        r.id,
        {derived},
        case when r.version_delivery = 'adopted' then coalesce(r.created_at, m.created_at) else r.created_at end
            as created_at,
        coalesce(r.updated_at, m.updated_at) as updated_at
    from standing r
    join {table} m on m.id = r.id
),
mirrored as (
    update {table} m
    set {assigned}, created_at = w.created_at, updated_at = w.updated_at
    from wanted w
    where m.id = w.id
      and ({shown}, m.created_at, m.updated_at)
          is distinct from ({new}, w.created_at, w.updated_at)
    returning m.id
)
select id from ledgered union select id from mirrored
