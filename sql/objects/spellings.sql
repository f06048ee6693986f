-- spellings: the keys that a key may stand for: Clerk leaves the prefix out in its session tokens
create or replace function users_sync.spellings(key text)
returns text[]
language sql immutable parallel safe
as $$
    -- A prefix that is there stays: `org:admin` and `admin` may be two keys.
    select case when key = '' or starts_with(key, 'org:') then array[key] else array[key, 'org:' || key] end
$$;

comment on function users_sync.spellings is
    'The keys of roles or permissions that a key may stand for: itself, and the one with the prefix `org:`.';
