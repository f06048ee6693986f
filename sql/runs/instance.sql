-- instance: the instance that the last whole run over source $1 asked; no row if no run names it
select instance
from users_sync.runs
where source = $1 and instance is not null and outcome in ('done', 'partial')
order by id desc
limit 1
