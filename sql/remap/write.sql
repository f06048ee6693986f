-- write: what was derived again from raw_json, where the row still shows the version that it was derived from; the row
-- count is that of the users that changed
with derived as (
    select *
    from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::boolean[])
        as d (id, version_at, version_delivery, name, email, created_at, updated_at, disabled)
),
standing as (
    select d.*, l.disabled as was_disabled
    from users_sync.ledger l
    join derived d on d.id = l.id
    where l.kind = 'user'
      and (l.version_at, l.version_delivery) = (d.version_at, d.version_delivery)
      and l.purged_at is null
    order by l.id
    -- The ledger's lock is the arbiter: no newer snapshot can come between.
    for update of l
),
ledgered as (
    update users_sync.ledger l set disabled = s.disabled
    from standing s
    where l.kind = 'user' and l.id = s.id and s.disabled <> s.was_disabled
    returning l.id
),
wanted as (
    select
        s.id,
        -- An adopted row may know what its raw_json never said.
        case when s.version_delivery = 'adopted' then coalesce(s.name, u.name) else s.name end as name,
        case when s.version_delivery = 'adopted' then coalesce(s.email, u.email) else s.email end as email,
        case when s.version_delivery = 'adopted' then coalesce(s.created_at, u.created_at) else s.created_at end
            as created_at,
        coalesce(s.updated_at, u.updated_at) as updated_at
    from standing s
    join neon_auth.users_sync u on u.id = s.id
),
mirrored as (
    update neon_auth.users_sync u
    set name = w.name, email = w.email, created_at = w.created_at, updated_at = w.updated_at
    from wanted w
    where u.id = w.id
      and (u.name, u.email, u.created_at, u.updated_at)
          is distinct from (w.name, w.email, w.created_at, w.updated_at)
    returning u.id
)
select id from ledgered union select id from mirrored
