-- has_permission: whether a user has a permission in an organization, or, where it is null, in the whole project
create or replace function users_sync.has_permission(user_id text, organization_id text, permission text)
returns boolean
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if has_permission.organization_id is null then
        return exists (
            select
            from users_sync.live_grants g
            where g.user_id = has_permission.user_id and g.organization_id is null
              and has_permission.permission = any (g.permissions)
              and exists (select from neon_auth.users_active u where u.id = g.user_id)
              -- Only the source of a user says what the user may do in the whole project.
              and not exists (
                  select from users_sync.ledger l
                  where l.kind = '{kind}' and l.id = g.user_id and l.source <> g.source
              )
        );
    end if;
    return exists (
        select
        from neon_auth.memberships_active m
        where m.user_id = has_permission.user_id and m.organization_id = has_permission.organization_id
          -- A provider without roles has no session tokens that leave out the prefix.
          and m.permissions && case when m.role is null then array[has_permission.permission]
              else users_sync.spellings(has_permission.permission) end
    );
end
$$;

revoke execute on function users_sync.has_permission from public;

comment on function users_sync.has_permission is
    'Whether this user has this permission in this organization, or in the whole project where the organization is null.';
