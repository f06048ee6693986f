-- verdict: the decision of the law about one change, given the standing of its entity's claim; owner is set if the ledger
-- took nothing of it
create or replace function users_sync.verdict(
    standing users_sync.standing, change_at timestamptz, delivery_id text, deletes boolean, owner text, source text
)
returns text
language sql immutable parallel safe
as $$
    select case
        when not standing.taken and owner <> '' and owner <> source then 'foreign'
        when not standing.taken then 'stale'
        when deletes and change_at = standing.deleted_at then 'applied'
        when not deletes and change_at = standing.version_at and delivery_id = standing.version_delivery then 'applied'
        else 'stale'
    end
$$;

comment on function users_sync.verdict is
    'The decision of the law about one change of a delivery: applied if the ledger shows it, foreign if another source owns the entity, else stale.';
