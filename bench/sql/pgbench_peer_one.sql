\set n random(0, :users - 1)
\set d random(1, 9000000000000000)
begin;
insert into peer.deliveries (id) values ('msg_' || :d) on conflict do nothing;
insert into peer.users (id, name, email, created_at, updated_at, raw_json)
values ('user_' || lpad((:n)::text, 27, '0'), 'Ada Lovelace', 'ada@example.com', now(), now(), replace(:body, 'value', (:n)::text)::jsonb)
on conflict (id) do update set name = excluded.name, email = excluded.email, created_at = excluded.created_at,
    updated_at = excluded.updated_at, raw_json = excluded.raw_json
where peer.users.updated_at is null or peer.users.updated_at <= excluded.updated_at;
commit;
