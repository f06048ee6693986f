-- transfer: makes source $2 the owner of user $1, and answers the owner before; what the new one says next wins, whatever its version
with known as (
    select source from users_sync.ledger where kind = '{kind}' and id = $1 for update
),
transferred as (
    update users_sync.ledger l
    set source = $2,
        -- Versions of two providers do not compare: any snapshot of the new owner lies after this one.
        version_at = case when l.version_at is not null then timestamptz 'epoch' end,
        version_delivery = case when l.version_at is not null then 'transferred' end
    from known k
    where l.kind = '{kind}' and l.id = $1 and k.source <> $2
    returning l.id
)
select source from known
