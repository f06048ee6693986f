-- grants: up to $2 of the user $1, by where they hold
select g.id, g.organization_id, g.permission, g.deleted_at
from {table} g
where g.user_id = $1
order by g.organization_id, g.permission, g.id
limit $2
