-- newest: what an operator should know, the newest first
select subject, id, found_at, detail
from users_sync.findings
order by found_at desc, subject, id
limit 100
