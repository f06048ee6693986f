-- quarantine: the reasons of quarantined deliveries that were received from $1 and before $2, the most frequent first
select source, reason, count(*) as deliveries, min(received_at) as first_at, max(received_at) as last_at
from users_sync.journal
where outcome = 'quarantined'
  and received_at >= coalesce($1::timestamptz, '-infinity')
  and received_at < coalesce($2::timestamptz, 'infinity')
group by source, reason
order by deliveries desc, source, reason
limit 50
