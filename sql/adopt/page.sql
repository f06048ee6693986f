-- page: the next $2 rows after $1; raw_json is null if it cannot be printed
select
    page.id, page.deleted_at,
    case when users_sync.is_printable(page.raw_json) then page.raw_json::text end as raw_json
from (
    select id, deleted_at, raw_json
    from neon_auth.users_sync
    where id > $1 and octet_length(id) <= 255
    order by id
    limit $2
) page
order by page.id
