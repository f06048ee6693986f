-- mark_lost: entities that the ledger knows and the mirror lacks are to be fetched; the row count is theirs
insert into users_sync.marks (source, kind, id)
select l.source, l.kind, l.id
from users_sync.ledger l
where l.kind = '{kind}' and l.deleted_at is null
  and not exists (select from {table} u where u.id = l.id)
on conflict (source, kind, id) do update set due_at = clock_timestamp(), attempts = 0
