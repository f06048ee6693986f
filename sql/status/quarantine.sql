-- quarantine: the reasons of what is quarantined, the most frequent first
select source, reason, count(*) as deliveries, min(received_at) as first_at, max(received_at) as last_at
from users_sync.journal
where outcome = 'quarantined'
group by source, reason
order by deliveries desc, source, reason
limit 50
