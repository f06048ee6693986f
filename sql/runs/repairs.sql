-- repairs: of each source in $1, in their order, everything that was ever repaired, and when the last whole
-- reconcile of its entities of kind $2 ended
select
    coalesce(f.missing, 0) + k.missing as missing,
    coalesce(f.stale, 0) + k.stale as stale,
    coalesce(f.restored, 0) + k.restored as restored,
    coalesce(f.gone, 0) + k.gone as gone,
    k.last_success
from unnest($1::text[]) with ordinality as s (name, place)
left join users_sync.repairs f on f.source = s.name
cross join lateral (
    select
        coalesce(sum(missing), 0)::bigint as missing,
        coalesce(sum(stale), 0)::bigint as stale,
        coalesce(sum(restored), 0)::bigint as restored,
        coalesce(sum(gone), 0)::bigint as gone,
        max(finished_at) filter (where outcome = 'done' and entity = $2) as last_success
    from users_sync.runs
    where source = s.name and kind = 'reconcile'
) k
order by s.place
