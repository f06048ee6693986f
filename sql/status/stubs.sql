-- stubs: how many {plural} are not known yet: ensure_user has marked them, in no source's name, until the provider says who they are;
-- counted up to $1
select count(*) as stubs
from (
    select
    from users_sync.marks m
    where m.source = '' and m.kind = '{kind}'
      and not exists (select from users_sync.ledger l where l.kind = m.kind and l.id = m.id)
    limit $1
) one
