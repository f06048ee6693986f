-- counts: how many findings there are of each subject
select subject, count(*) as findings
from users_sync.findings
group by subject
