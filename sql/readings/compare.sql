-- compare: how each reading in $1 compares with {table}, by its place, from 1
select
    r.place,
    l.deleted_at,
    l.version_at as known_at,
    case
        -- Another source owns the entity, so this one may not change it.
        when l.source <> '' and l.source <> r.source then 'foreign'
        when l.purged_at is not null then 'purged'
        when l.deleted_at is not null then 'deleted'
        -- A row that the ledger does not know is a stub, or was there before us.
        when m.id is null or l.id is null then 'missing'
        when (l.version_at, l.version_delivery) >= (r.version_at, r.version_delivery collate "C") then 'same'
        -- It is equal, but does not count: its membership was left since.
        when {is_ended} then 'stale'
        when ({shown}, m.created_at, l.disabled) is distinct from ({read}, r.created_at, r.disabled)
            then 'stale'
        -- An adopted row may hold anything, and only an object has fields to leave out.
        when jsonb_typeof(m.raw_json) <> 'object' then 'stale'
        when m.raw_json - $2 = r.raw_json - $2 then 'same'
        when users_sync.lasting(m.raw_json - $2, $3, $4) = users_sync.lasting(r.raw_json - $2, $3, $4)
            then 'touched'
        else 'stale'
    end as standing
from unnest($1) with ordinality as r (
    kind, id, source, version_at, version_delivery, first_deleted_at, last_deleted_at, fence,
    disabled, marked, texts, permissions, created_at, updated_at, raw_json, place
)
left join users_sync.ledger l on l.kind = '{kind}' and l.id = r.id
left join {table} m on m.id = r.id
order by r.place
