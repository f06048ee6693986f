-- begin: takes the request with key $1 and fingerprint $2, or returns its result; takes over one that was left
-- unfinished for a minute
with begun as (
    insert into users_sync.requests as r (key, fingerprint)
    values ($1, $2)
    on conflict (key) do update set begun_at = now()
    where r.user_id is null and r.fingerprint = excluded.fingerprint
      and r.begun_at < now() - interval '1 minute'
    returning first_begun_at, begun_at
)
select
    exists (select from begun) as ours,
    -- Null if this is the first attempt.
    (select first_begun_at from begun where first_begun_at < begun_at) as left_undone,
    coalesce(r.fingerprint = $2, true) as same,
    r.user_id
from (select) one
left join users_sync.requests r on r.key = $1
