-- own: the id by which source $1 knows the entity $3 of the kind $2, also if that is the same; none before a snapshot of it
select own_id
from users_sync.aliases
where source = $1 and kind = $2 and (id = $3 or (own_id = $3 and id is null))
order by own_id desc
limit 1
