-- users_active: users that are neither deleted nor disabled, as far as the reader may see them
create or replace view neon_auth.users_active as
select u.*
from neon_auth.users_sync u
where u.deleted_at is null
  and not exists (select from users_sync.disabled_users d where d.id = u.id);

do $$
begin
    -- With this option the row security of the mirror applies to the reader of the view. PostgreSQL 14 does not
    -- support it.
    if current_setting('server_version_num')::integer >= 150000 then
        alter view neon_auth.users_active set (security_invoker = true);
    end if;
end
$$;

comment on view neon_auth.users_active is 'Users that are neither deleted nor disabled.';
