-- ties: the user and the organization that the row of entity $1 connects
select m.id, {user_id} as user_id, {organization_id} as organization_id
from {table} m
where m.id = $1
