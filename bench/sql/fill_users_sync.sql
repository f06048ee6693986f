-- fill_users_sync: the same users, with their ledger, and old rows of the journal
insert into neon_auth.users_sync (id, name, email, created_at, updated_at, raw_json)
select u.id, 'Ada Lovelace', u.id || '@example.com', now() - interval '1 year', now() - interval '1 day',
    jsonb_build_object('id', u.id, 'metadata', (
        select jsonb_object_agg('key_' || k, left(md5(u.n::text || '/' || k), 16))
        from generate_series(1, 5 + u.n % (:fields - 5)) k
    ))
from (
    select n, case when n % 4 = 0 then '00000000-0000-4000-8000-' || lpad(n::text, 12, '0')
        else 'user_' || lpad(n::text, 27, '0') end as id
    from generate_series(0, :users - 1) n
) u;

insert into users_sync.ledger (kind, id, source, version_at, version_delivery)
select 'user', id, case when id like 'user_%' then 'clerk' else 'stack' end, updated_at, 'msg_filled'
from neon_auth.users_sync;

insert into users_sync.journal
    (source, delivery_id, event_type, kind, entity_id, version_at, received_at, outcome)
select 'clerk', 'msg_0filled' || lpad(n::text, 20, '0'), 'user.updated', 'user', 'user_' || lpad(n::text, 27, '0'),
    now() - interval '1 day', now() - interval '1 day' + n * interval '1 millisecond', 'applied'
from generate_series(0, :journal - 1) n;
