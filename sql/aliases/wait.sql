-- wait: as read, after the end of every transaction that binds one of them
select a.kind, a.own_id, a.id
from users_sync.aliases a
join unnest($2, $3) as wanted (kind, own_id) on wanted.kind = a.kind and wanted.own_id = a.own_id
where a.source = $1
order by a.kind, a.own_id
for share of a
