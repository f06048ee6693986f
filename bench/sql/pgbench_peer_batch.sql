\set n random(0, :users - 1)
\set d random(1, 9000000000000000)
with batch as (
    select 'user_' || lpad(((:n + k * 7919) % :users)::text, 27, '0') as id, 'msg_' || :d || '_' || k as delivery
    from generate_series(1, 64) k
), seen as (
    insert into peer.deliveries (id) select delivery from batch on conflict do nothing
)
insert into peer.users (id, name, email, created_at, updated_at, raw_json)
select id, 'Ada Lovelace', 'ada@example.com', now(), now(), replace(:body, 'value', id)::jsonb from batch order by id
on conflict (id) do update set name = excluded.name, email = excluded.email, created_at = excluded.created_at,
    updated_at = excluded.updated_at, raw_json = excluded.raw_json
where peer.users.updated_at is null or peer.users.updated_at <= excluded.updated_at;
