-- silences: of each source in $1 the newest conclusive reconcile of its entities of kind $2, if it found changes that no
-- delivery had announced
select
    r.kind, r.source, r.entity, r.started_at, r.finished_at, r.outcome, r.reason,
    r.seen, r.missing, r.stale, r.restored, r.gone, r.unreadable, r.unannounced, r.unannounced_since
from unnest($1::text[]) as s (name)
cross join lateral (
    select *
    from users_sync.runs
    where source = s.name
      and kind = 'reconcile'
      and entity = $2
      -- A run that broke off and found none proves nothing.
      and (outcome in ('done', 'partial') or unannounced > 0)
    order by id desc
    limit 1
) r
where r.unannounced > 0
order by r.source
