\set n random(0, :users - 1)
\set d random(1, 9000000000000000)
with batch as (
    select 'user_' || lpad(((:n + k * 7919) % :users)::text, 27, '0') as id, 'msg_' || :d || '_' || k as delivery
    from generate_series(1, 64) k
), ledgered as (
    insert into users_sync.ledger as l (kind, id, source, version_at, version_delivery)
    select 'user', id, 'clerk', now(), delivery from batch order by id collate "C"
    on conflict (kind, id) do update set source = excluded.source, version_at = excluded.version_at,
        version_delivery = excluded.version_delivery
    where (excluded.version_at, excluded.version_delivery)
        >= (coalesce(l.version_at, '-infinity'), coalesce(l.version_delivery, ''))
), journaled as (
    insert into users_sync.journal as j
        (source, delivery_id, event_type, kind, entity_id, version_at, received_at, outcome)
    select 'clerk', delivery, 'user.updated', 'user', id, now(), now(), 'applied' from batch
    on conflict (source, delivery_id) do update set attempts = j.attempts + 1
)
insert into neon_auth.users_sync as u (id, name, email, created_at, updated_at, raw_json)
select id, 'Ada Lovelace', 'ada@example.com', now(), now(), replace(:body, 'value', id)::jsonb from batch order by id
on conflict (id) do update set name = excluded.name, email = excluded.email, created_at = excluded.created_at,
    updated_at = excluded.updated_at, raw_json = excluded.raw_json
where u.updated_at is null or u.updated_at <= excluded.updated_at;
