-- lag: seconds from the provider's change to our commit, of the last 10,000 deliveries of the last hour that were applied
select
    percentile_cont(0.5) within group (order by lag) as p50,
    percentile_cont(0.99) within group (order by lag) as p99
from (
    select greatest(extract(epoch from processed_at - version_at), 0)::float8 as lag
    from users_sync.journal
    where received_at > now() - interval '1 hour' and outcome = 'applied' and isfinite(version_at)
    order by received_at desc
    limit 10000
) last
