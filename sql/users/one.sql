-- one: the mirror row of user $1 and whether it is disabled; no row for a stub, whose user is not known yet; raw_json is null where
-- it cannot be printed
select u.id, u.name, u.email, u.created_at, u.updated_at, u.deleted_at,
    case when users_sync.is_printable(u.raw_json) then u.raw_json end as raw_json,
    coalesce(l.disabled, false) as disabled,
    -- Empty where no source has claimed the user yet.
    nullif(l.source, '') as source
from {table} u
left join users_sync.ledger l on l.kind = '{kind}' and l.id = u.id
where u.id = $1
  and (l.id is not null or u.raw_json <> jsonb_build_object('id', u.id))
