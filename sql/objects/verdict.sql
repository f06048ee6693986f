-- verdict: what the law decides about one change: `applied` if the ledger shows it, `foreign` if another source
-- owns the entity
create or replace function users_sync.verdict(
    change_at timestamptz, delivery_id text, deletes boolean, source text,
    -- what the ledger took from the batch; null if it took nothing
    version_at timestamptz, version_delivery text, deleted_at timestamptz, taken boolean,
    owner text
)
returns text
language sql immutable parallel safe
as $$
    select case
        when not taken and owner <> '' and owner <> source then 'foreign'
        when not taken then 'stale'
        when deletes and change_at = deleted_at then 'applied'
        when not deletes and (change_at, delivery_id) = (version_at, version_delivery) then 'applied'
        else 'stale'
    end
$$;

comment on function users_sync.verdict is 'What the law decides about one change of a delivery.';
