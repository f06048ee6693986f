-- last_deliveries: when each source's last delivery first arrived, in the order of the names
select (select max(received_at) from users_sync.journal j where j.source = s.name) as last
from unnest($1::text[]) with ordinality as s (name, place)
order by place
