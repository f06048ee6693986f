-- unlisted: users that source $1 ought to list, after id $2, at most $3; those that the ledger does not know only if $4
select u.id
from neon_auth.users_sync u
left join users_sync.ledger l on l.kind = 'user' and l.id = u.id
where u.id > $2
  and u.deleted_at is null
  and l.deleted_at is null
  and (
      l.source = $1
      -- Nobody can say that a stub is gone: its user may be on the way.
      or ($4 and l.id is null and u.raw_json <> jsonb_build_object('id', u.id))
  )
order by u.id
limit $3
