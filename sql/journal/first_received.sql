-- first_received: when the first journaled attempt of a delivery arrived; no row if there was none
select received_at
from users_sync.journal
where source = $1 and delivery_id = $2
