-- one: the mirror row of user $1 and whether it is disabled; no row for a stub, whose user is not known
-- yet; raw_json is null where its text would be far longer than what is stored, or is nested in more than 1,000 levels
select u.id, u.name, u.email, u.created_at, u.updated_at, u.deleted_at,
    -- `1e131000` is stored in a few bytes, and prints as 131,001 digits.
    case
        when not u.raw_json @? 'strict $.**{1001}'
            and (
                select coalesce(sum(scale(n::numeric) + case when abs(n::numeric) >= 1e400 then 131072 else 0 end), 0)
                from jsonb_array_elements(
                    jsonb_path_query_array(u.raw_json, 'strict $.** ? (@.type() == "number")')
                ) as n
            ) <= 1048576
        then u.raw_json
    end as raw_json,
    coalesce(l.disabled, false) as disabled, l.source
from neon_auth.users_sync u
left join users_sync.ledger l on l.kind = 'user' and l.id = u.id
where u.id = $1
  and (l.id is not null or u.raw_json <> jsonb_build_object('id', u.id))
