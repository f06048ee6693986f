-- hanging: the {plural} that depend on those with the ids $1
select m.id
from {table} m
where m.{column} = any ($1)
