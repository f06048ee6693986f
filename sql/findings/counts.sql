-- counts: the number of findings of each subject
select subject, count(*) as findings
from users_sync.findings
group by subject
