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
mirrored as (
    update neon_auth.users_sync u
    set name = s.name, email = s.email, created_at = s.created_at, updated_at = s.updated_at
    from standing s
    where u.id = s.id
      and (u.name, u.email, u.created_at, u.updated_at)
          is distinct from (s.name, s.email, s.created_at, s.updated_at)
    returning u.id
)
select id from ledgered union select id from mirrored
