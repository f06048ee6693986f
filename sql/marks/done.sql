-- done: the entity $3 of kind $2 and source $1 was fetched for mark $4; a later one stays, and is due
with removed as (
    delete from users_sync.marks
    where source = $1 and kind = $2 and id = $3 and mark = $4
    returning id
)
update users_sync.marks
set due_at = clock_timestamp(), attempts = 0
where source = $1 and kind = $2 and id = $3 and mark <> $4 and not exists (select from removed)
