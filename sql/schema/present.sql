-- present: of each of the names $1, in their order, whether the database has such a relation or function
select
    to_regclass(o.name) is not null
        or exists (
            select from pg_proc p
            join pg_namespace n on n.oid = p.pronamespace
            where n.nspname || '.' || p.proname = o.name
        ) as present
from unnest($1) with ordinality as o (name, place)
order by o.place
