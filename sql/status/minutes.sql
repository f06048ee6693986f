-- minutes: deliveries of the last hour, minute by minute and outcome by outcome, of the last 50,000 at most
select
    floor(extract(epoch from now() - received_at) / 60)::integer as minutes_ago,
    outcome,
    count(*) as deliveries
from (
    select received_at, outcome
    from users_sync.journal
    where received_at > now() - interval '1 hour' and received_at <= now()
    order by received_at desc
    limit 50000
) last
group by 1, 2
order by 1, 2
