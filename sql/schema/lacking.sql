-- lacking: the columns and primary keys that are missing from our existing tables $1, one for each of the columns
-- $2
select gone.name
from (
    select o.place, format('%s.%s', o.relation, o.name) as name
    from unnest($1, $2) with ordinality as o (relation, name, place)
    where not exists (
        select from pg_attribute a
        where a.attrelid = to_regclass(o.relation) and a.attname = o.name and not a.attisdropped
    )
    union all
    select min(o.place), format('the primary key of %s', o.relation)
    from unnest($1, $2) with ordinality as o (relation, name, place)
    where not exists (
        select from pg_index i where i.indrelid = to_regclass(o.relation) and i.indisprimary and i.indisvalid
    )
    group by o.relation
) gone
order by gone.place, gone.name
