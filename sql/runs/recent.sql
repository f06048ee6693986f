-- recent: the newest $2 runs before run $1, or of all runs
select
    r.id,
    r.kind, r.source, r.entity, r.started_at, r.finished_at, r.outcome, r.reason,
    r.seen, r.missing, r.stale, r.restored, r.gone, r.unreadable, r.unannounced, r.unannounced_since
from users_sync.runs r
where r.id < $1 or $1 is null
order by r.id desc
limit $2
