-- sample: at most $3 of the users that source $1 ought to list, by chance, each with how many they are; those that the ledger does not know only if $2
select u.id, count(*) over () as known
from neon_auth.users_sync u
left join users_sync.ledger l on l.kind = 'user' and l.id = u.id
where u.deleted_at is null
  and l.deleted_at is null
  and (
      l.source = $1
      or ($2 and l.id is null and u.raw_json <> jsonb_build_object('id', u.id))
  )
order by random()
limit $3
