-- spellings: a key of a role or permission, with and without the prefix that Clerk leaves out in its session tokens
create or replace function users_sync.spellings(key text)
returns text[]
language sql immutable parallel safe
as $$
    select case when starts_with(key, 'org:') then array[key, substr(key, 5)] else array[key, 'org:' || key] end
$$;

comment on function users_sync.spellings is 'A key of a role or permission, with and without the prefix `org:`.';
