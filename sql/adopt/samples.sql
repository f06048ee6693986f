-- samples: some objects of the provider
select raw_json::text as raw_json
from neon_auth.users_sync
where raw_json is not null
limit 20
