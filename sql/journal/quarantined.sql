-- quarantined: how many deliveries are in quarantine
select count(*)
from users_sync.journal
where outcome = 'quarantined'
