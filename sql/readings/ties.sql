-- ties: what the row of entity $1 ties
select m.id, {user_id} as user_id, {organization_id} as organization_id
from {table} m
where m.id = $1
