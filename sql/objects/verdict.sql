-- verdict: what the law says of one change, given what became of its entity's claim; owner is set where the ledger took nothing of it
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
    'What the law says of one change of a delivery: applied where the ledger shows it, foreign where another source owns the entity, else stale.';
