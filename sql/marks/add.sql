-- add: the entity $3 of kind $2 and source $1 must be fetched; all entities of that kind if $3 is empty
insert into users_sync.marks (source, kind, id)
values ($1, $2, $3)
on conflict (source, kind, id) do update
set mark = default, due_at = clock_timestamp(), attempts = 0
