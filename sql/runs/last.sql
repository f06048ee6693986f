-- last: the newest run of each kind over each source in $1 and its entities of kind $2
select
    r.kind, r.source, r.entity, r.started_at, r.finished_at, r.outcome, r.reason,
    r.seen, r.missing, r.stale, r.restored, r.gone, r.unreadable, r.unannounced, r.unannounced_since
from unnest($1::text[]) as s (name)
cross join (values ('backfill'), ('reconcile')) as k (kind)
cross join lateral (
    select *
    from users_sync.runs
    where source = s.name and kind = k.kind and entity = $2
    order by id desc
    limit 1
) r
