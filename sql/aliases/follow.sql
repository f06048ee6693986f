-- follow: what source $1 ties to {referred} $2 is tied to $3, which is the same {referred}
update {table} m
set {column} = $3
from users_sync.ledger l
where l.kind = '{kind}' and l.id = m.id and l.source = $1 and m.{column} = $2
