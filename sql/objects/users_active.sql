-- users_active: users that are neither deleted nor disabled, as far as the reader may see them
do $view$
begin
    execute format(
        $$
        create or replace view neon_auth.users_active %s as
        select u.*
        from neon_auth.users_sync u
        where u.deleted_at is null
          and not exists (select from users_sync.disabled_users d where d.id = u.id)
        $$,
        -- With this option the row security of the mirror applies to the reader of the view. PostgreSQL 14 does not
        -- support it.
        case when current_setting('server_version_num')::integer >= 150000
            then 'with (security_invoker = true)' else '' end
    );
end
$view$;

comment on view neon_auth.users_active is 'Users that are neither deleted nor disabled.';
