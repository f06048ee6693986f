-- add: the entities $3 of the kinds $2 and of source $1 must be fetched; all entities of a kind if the id is empty
insert into users_sync.marks (source, kind, id)
select $1, kind, id
from unnest($2, $3) as sought (kind, id)
-- In one order, so that two replicas do not wait for each other.
group by kind, id
order by kind, id collate "C"
on conflict (source, kind, id) do update
set mark = default, due_at = clock_timestamp(), attempts = 0
