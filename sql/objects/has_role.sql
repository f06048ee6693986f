-- has_role: whether a user has a role in an organization
create or replace function users_sync.has_role(user_id text, organization_id text, role text)
returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from neon_auth.memberships_active m
        where m.user_id = has_role.user_id and m.organization_id = has_role.organization_id
          and m.role = any (users_sync.spellings(has_role.role))
    );
end
$$;

revoke execute on function users_sync.has_role from public;

comment on function users_sync.has_role is
    'Whether this user has this role in this organization; `admin` also asks for `org:admin`.';
