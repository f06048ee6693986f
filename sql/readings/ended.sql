exists (
        select
        from {memberships} s
        join users_sync.ledger d on d.kind = '{membership}' and d.id = s.id
        where s.user_id = m.user_id and s.organization_id = m.organization_id
          and d.last_deleted_at >= l.version_at
          -- A replica may still show what ended with the membership a moment ago.
          and d.last_deleted_at < r.version_at - interval '{settling} seconds'
    )
