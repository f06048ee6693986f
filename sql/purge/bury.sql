-- bury: makes sure that a user counts as deleted, known or not, and answers what the mirror shows of it
with tombstone as (
    insert into users_sync.ledger as l
        (kind, id, source, deleted_at, first_deleted_at, last_deleted_at)
    select 'user', $1, '', at, at, at
    from (select now() - interval '1 microsecond') as t (at)
    on conflict (kind, id) do update
    set deleted_at = coalesce(l.deleted_at, excluded.deleted_at),
        first_deleted_at = coalesce(l.first_deleted_at, excluded.first_deleted_at),
        last_deleted_at = coalesce(l.last_deleted_at, excluded.last_deleted_at),
        -- What was purged once is purged again: rows may have come back by hand.
        purged_at = null
)
select name is not null as name, email is not null as email, pg_column_size(raw_json) as raw_json_bytes
from neon_auth.users_sync
where id = $1
