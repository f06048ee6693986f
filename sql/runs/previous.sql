-- previous: when the last run over source $1 that met every entity of kind $3 began, of any kind of run, and of kind $2
select max(started_at) as any_began, max(started_at) filter (where kind = $2) as kind_began
from users_sync.runs
where source = $1 and entity = $3 and outcome in ('done', 'partial')
