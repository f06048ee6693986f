-- read: the ids of the entities that source $1 knows as $3, of the kinds $2
select a.kind, a.own_id, a.id
from users_sync.aliases a
join unnest($2, $3) as wanted (kind, own_id) on wanted.kind = a.kind and wanted.own_id = a.own_id
where a.source = $1
