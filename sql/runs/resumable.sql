-- resumable: the last run of kind $1 over source $2 and its entities of kind $3, if it made progress within a day and
-- did not finish
select id, cursor, seen, missing, stale, unreadable
from (
    select *
    from users_sync.runs
    where kind = $1 and source = $2 and entity = $3
    order by id desc
    limit 1
) last
where outcome is distinct from 'done'
  and cursor is not null
  and updated_at > now() - interval '1 day'
