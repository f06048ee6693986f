-- membership_rights: the role and the permissions of each membership, whether the membership counts or not
create or replace view users_sync.membership_rights as
select
    m.id,
    -- A role that was deleted ends. Null means that no such role is known, and the provider's word stands.
    case
        when (
            select r.deleted_at is null
            from users_sync.known_roles r
            where r.source = l.source and r.key = m.role
        ) is not false then m.role
    end as role,
    array(
        select distinct p.permission collate "C"
        from (
            select unnest(coalesce(
                (
                    select case when r.deleted_at is null then coalesce(r.permissions, '{}') else '{}' end
                    from users_sync.known_roles r
                    where r.source = l.source and r.key = m.role
                ),
                m.permissions
            ))
            union all
            select unnest(g.permissions)
            from users_sync.live_grants g
            where g.user_id = m.user_id and g.organization_id = m.organization_id
              -- A secret opens one source: it gives no permissions in an organization of another one.
              and (g.source = l.source) is not false
              -- What a member was granted ends when the member leaves, even if no event says so, and stays ended.
              and (l.last_deleted_at is null or g.granted_at > l.last_deleted_at)
        ) as p (permission)
        where p.permission is not null
        order by 1
    ) as permissions
from {table} m
left join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id;

-- Readers of memberships_active reach it through that view. Only a role with usage on the schema can name it.
grant select on users_sync.membership_rights to public;

comment on view users_sync.membership_rights is
    'The role and the permissions of each membership; for neon_auth.memberships_active.';
