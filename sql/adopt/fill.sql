-- fill: fills the empty columns of the rows with ids $1 from their raw_json; other columns stay
update neon_auth.users_sync u
set name = coalesce(u.name, d.name),
    email = coalesce(u.email, d.email),
    created_at = coalesce(u.created_at, d.created_at),
    updated_at = coalesce(u.updated_at, d.updated_at)
from unnest($1, $2, $3, $4, $5) as d (id, name, email, created_at, updated_at)
where u.id = d.id
  and (
      (u.name is null and d.name is not null)
      or (u.email is null and d.email is not null)
      or (u.created_at is null and d.created_at is not null)
      or (u.updated_at is null and d.updated_at is not null)
  )
