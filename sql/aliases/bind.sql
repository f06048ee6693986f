-- bind: records the ids $4 of the entities that source $1 knows as $3, of the kinds $2; an id that is known stays. Returns
-- the ids that are new. Each row stays locked, so that no session reads it before what follows from it is written.
insert into users_sync.aliases as a (source, kind, own_id, id)
select $1, kind, own_id, id
from unnest($2, $3, $4) as wanted (kind, own_id, id)
order by kind, own_id collate "C"
on conflict (source, kind, own_id) do update
set id = excluded.id
where a.id is null and excluded.id is not null
returning kind, own_id, id, a.xmax <> 0 as was_looked_up
