-- memberships_active: memberships that live, of live organizations and active users, as far as the reader may see them
create or replace view neon_auth.memberships_active as
select m.user_id, m.organization_id, r.role, r.permissions
from neon_auth.memberships_sync m
-- Its id is a key: where no column of it is read, the planner leaves it out.
left join users_sync.membership_rights r on r.id = m.id
where m.deleted_at is null
  and exists (select from neon_auth.users_active u where u.id = m.user_id)
  and exists (select from neon_auth.organizations_active o where o.id = m.organization_id)
  and not exists (select from users_sync.foreign_memberships f where f.id = m.id);

do $$
begin
    -- Row security on the mirrors then holds for the reader of the view. PostgreSQL 14 does not know it.
    if current_setting('server_version_num')::integer >= 150000 then
        alter view neon_auth.memberships_active set (security_invoker = true);
    end if;
end
$$;

comment on view neon_auth.memberships_active is
    'Memberships that count: neither they nor their organization are deleted, their user is active, and they are of their organization''s source.';
comment on column neon_auth.memberships_active.role is 'The key of the role; null where there is none, or it was deleted.';
comment on column neon_auth.memberships_active.permissions is
    'Those of the role, else those of the membership, and those granted to the user in this organization: distinct, sorted, never null.';
