-- prune: removes up to $2 of the rows received before $1, but nothing in quarantine; the row count tells whether there
-- may be more
delete from users_sync.journal
where ctid = any (array(
    select ctid
    from users_sync.journal
    where received_at < $1
      -- It may be the only copy of what was acknowledged.
      and outcome <> 'quarantined'
    order by received_at
    limit $2
    -- Another replica may be at it too.
    for update skip locked
))
