-- begin: starts a run of kind $1 over source $2 and its entities of kind $3 and returns its id; removes all but the last
-- thousand runs, never the counts of what they repaired
with kept as (
    -- The last run that met every entity is the start of the next search for changes; the last run that found silent
    -- changes is for the operator.
    select
        coalesce(max(id) filter (where outcome in ('done', 'partial')), 0) as done,
        coalesce(max(id) filter (where unannounced > 0), 0) as silent
    from users_sync.runs
    where kind = $1 and source = $2 and entity = $3
), forgotten as (
    delete from users_sync.runs
    where id in (
        select id
        from users_sync.runs
        where kind = $1 and source = $2 and entity = $3
        order by id desc
        offset 1000
    )
    and id not in (select done from kept union all select silent from kept)
    returning kind, source, missing, stale, restored, gone
), remembered as (
    -- Entities of every kind are counted together.
    insert into users_sync.repairs as r (source, missing, stale, restored, gone)
    select source, sum(missing), sum(stale), sum(restored), sum(gone)
    from forgotten
    where kind = 'reconcile'
    group by source
    on conflict (source) do update
    set missing = r.missing + excluded.missing,
        stale = r.stale + excluded.stale,
        restored = r.restored + excluded.restored,
        gone = r.gone + excluded.gone
)
insert into users_sync.runs (kind, source, entity)
values ($1, $2, $3)
returning id
