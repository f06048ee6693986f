-- lingering: of each source the deliveries that have been in quarantine since before $1
select source, count(*) as deliveries, min(received_at) as oldest
from users_sync.journal
where outcome = 'quarantined' and received_at < $1
group by source
order by source
