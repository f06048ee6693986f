-- applied: the migrations that were applied, in order
select number, checksum
from users_sync.migrations
order by number
