-- memberships: up to $2 of those with the {column} $1, those after ($3, $4) in the order of their {other} and their ids
select
    m.id, m.user_id, m.organization_id, m.role, m.permissions, m.created_at, m.updated_at, m.deleted_at,
    o.name as other_name,
    m.deleted_at is null
        -- As the view memberships_active says, which the role of the service need not be able to read.
        and exists (
            select from neon_auth.users_sync u
            where u.id = m.user_id and u.deleted_at is null
              and not exists (
                  select from users_sync.ledger l where l.kind = '{user}' and l.id = u.id and l.disabled
              )
        )
        and exists (
            select from neon_auth.organizations_sync g
            where g.id = m.organization_id and g.deleted_at is null
        )
        and not exists (
            select
            from users_sync.ledger l
            join users_sync.ledger g on g.kind = '{organization}' and g.id = m.organization_id
            where l.kind = '{kind}' and l.id = m.id and l.source <> g.source
        ) as active
from {table} m
left join {others} o on o.id = m.{other}
where m.{column} = $1
  and ($3::text is null or (m.{other}, m.id) > ($3, $4::text))
order by m.{other}, m.id
limit $2
