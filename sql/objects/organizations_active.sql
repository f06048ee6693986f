-- organizations_active: organizations that are not deleted, as far as the reader may see them
create or replace view neon_auth.organizations_active as
select o.*
from neon_auth.organizations_sync o
where o.deleted_at is null;

do $$
begin
    -- Row security on the mirror then holds for the reader of the view. PostgreSQL 14 does not know it.
    if current_setting('server_version_num')::integer >= 150000 then
        alter view neon_auth.organizations_active set (security_invoker = true);
    end if;
end
$$;

comment on view neon_auth.organizations_active is 'Organizations that are not deleted.';
