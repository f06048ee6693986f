-- own: the id by which source $1 knows the entity $3 of the kind $2; the one that was bound last in the order of ids
select own_id
from users_sync.aliases
where source = $1 and kind = $2 and id = $3
order by own_id desc
limit 1
