-- done: the user $2 of source $1 was fetched for mark $3; a later one stays, and is due
with removed as (
    delete from users_sync.marks
    where source = $1 and kind = 'user' and id = $2 and mark = $3
    returning id
)
update users_sync.marks
set due_at = clock_timestamp(), attempts = 0
where source = $1 and kind = 'user' and id = $2 and mark <> $3 and not exists (select from removed)
