-- is_active: whether a user exists and is neither deleted nor disabled
create or replace function users_sync.is_active(user_id text)
returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from neon_auth.users_active u where u.id = is_active.user_id);
end
$$;

revoke execute on function users_sync.is_active from public;

comment on function users_sync.is_active is 'Whether this user exists and is neither deleted nor disabled.';
