-- samples: some objects of the provider
select raw_json::text as raw_json
from neon_auth.users_sync
where raw_json is not null
  -- Our function may not exist yet: a document with too many enormous numbers cannot be printed.
  and case
      when pg_typeof(raw_json) = 'jsonb'::regtype then (
          select count(*) <= 100
          from jsonb_array_elements(
              jsonb_path_query_array(to_jsonb(raw_json), 'strict $.**{0 to 1000} ? (@.type() == "number")')
          ) as n (number)
          where abs(n.number::numeric) >= 1e1000 or scale(n.number::numeric) > 1000
      )
      else true
  end
limit 20
