-- sample: at most $3 of the entities that source $1 should list, chosen at random, each with their number; those that the ledger does not know only if $2
select known.id, count(*) over () as known
from (
    -- Whether they have a row or not: an operator may have emptied or dropped the mirror.
    select l.id
    from users_sync.ledger l
    where l.kind = '{kind}' and l.source = $1 and l.deleted_at is null
    union all
    select m.id
    from {table} m
    where $2
      and m.deleted_at is null
      and m.raw_json <> jsonb_build_object('id', m.id)
      and not exists (select from users_sync.ledger l where l.kind = '{kind}' and l.id = m.id)
) known
order by random()
limit $3
