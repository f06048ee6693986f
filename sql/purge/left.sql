-- left: up to $1 {plural} that still show how they hang on a purged {owner}
select m.id
from users_sync.ledger l
join {table} m on m.{column} = l.id
where l.kind = '{owner}' and l.purged_at is not null
limit $1
