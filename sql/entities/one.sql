-- one: what the mirror shows of the {kind} $1 and what the ledger knows; no row where neither has one; texts end after $2 characters;
-- raw_json is null where it cannot be printed
select
    -- A row that an application made before the {kind} was known shows nothing.
    m.id is not null and (l.id is not null or m.raw_json <> jsonb_build_object('id', m.id)) as known,
    m.id is not null as mirrored,
    array[{texts}] as texts, {permissions} as permissions,
    m.created_at, m.updated_at, m.deleted_at,
    case when users_sync.is_printable(m.raw_json) then m.raw_json end as raw_json,
    -- Empty where no source has claimed it yet.
    nullif(l.source, '') as source,
    l.version_at, l.version_delivery, l.deleted_at as tombstone, l.disabled, l.purged_at
from (select $1::text as id) wanted
left join {table} m on m.id = wanted.id
left join users_sync.ledger l on l.kind = '{kind}' and l.id = wanted.id
where m.id is not null or l.id is not null
