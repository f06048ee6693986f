-- membership_rights: of each membership the role and the permissions, whoever asks
create or replace view users_sync.membership_rights as
select
    m.id,
    -- A role that was deleted ends.
    case when r.deleted_at is null then m.role end as role,
    array(
        select distinct p.permission collate "C"
        from (
            select unnest(
                case
                    -- Nothing is known of the role, or there is none.
                    when r.id is null then m.permissions
                    when r.deleted_at is null then r.permissions
                end
            )
            union all
            select unnest(g.permissions)
            from users_sync.live_grants g
            where g.user_id = m.user_id and g.organization_id = m.organization_id
              -- What a member was granted ends when the member leaves, even if no event says so, and stays ended.
              and (l.last_deleted_at is null or g.granted_at > l.last_deleted_at)
        ) as p (permission)
        where p.permission is not null
        order by 1
    ) as permissions
from {table} m
left join users_sync.ledger l on l.kind = '{kind}' and l.id = m.id
-- The role that counts, where several have had the key: one that lives, then the newest.
left join lateral (
    select k.id, k.permissions, k.deleted_at
    from users_sync.known_roles k
    where k.key = m.role and k.source = l.source
    order by k.deleted_at is not null, k.version_at desc nulls last, k.id desc
    limit 1
) r on true;

-- Whoever reads memberships_active reads it through that view. Only a role with usage on the schema can name it.
grant select on users_sync.membership_rights to public;

comment on view users_sync.membership_rights is
    'The role and the permissions of each membership; for neon_auth.memberships_active.';
