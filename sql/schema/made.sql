-- made: the objects that were made, and the checksum of what made them
select name, checksum
from users_sync.objects
