-- fill_peer: the users that are there before; their objects are of 1 to 4 kB
insert into peer.users (id, name, email, created_at, updated_at, raw_json)
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
