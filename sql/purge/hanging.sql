-- hanging: the {plural} that hang on those with the ids $1
select m.id
from {table} m
where m.{column} = any ($1)
