-- compare: how each reading stands to the tables, by its place, from 1
select
    r.place,
    l.deleted_at,
    l.version_at as known_at,
    case
        -- Another source said it first: it is not for this one to change.
        when l.source <> '' and l.source <> r.source then 'foreign'
        when l.purged_at is not null then 'purged'
        when l.deleted_at is not null then 'deleted'
        -- A row that the ledger does not know is a stub, or was there before us.
        when u.id is null or l.id is null then 'missing'
        when (l.version_at, l.version_delivery) >= (r.version_at, r.version_delivery collate "C") then 'same'
        when (u.name, u.email, u.created_at, l.disabled) is distinct from (r.name, r.email, r.created_at, r.disabled)
            then 'stale'
        -- An adopted row may hold anything, and only an object has fields to leave out.
        when jsonb_typeof(u.raw_json) <> 'object' then 'stale'
        when u.raw_json - $10 = r.raw_json - $10 then 'same'
        when users_sync.lasting(u.raw_json - $10, $11, $12) = users_sync.lasting(r.raw_json - $10, $11, $12)
            then 'touched'
        else 'stale'
    end as standing
from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) with ordinality as r (
    source, id, name, email, created_at, raw_json, disabled, version_at, version_delivery, place
)
left join users_sync.ledger l on l.kind = 'user' and l.id = r.id
left join neon_auth.users_sync u on u.id = r.id
order by r.place
