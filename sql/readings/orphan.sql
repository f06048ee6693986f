exists (
        select
        from users_sync.ledger p
        where (p.kind, p.id) in ({parents}) and p.deleted_at is not null
    )
