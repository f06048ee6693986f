-- made: the objects that were created, and the checksum of their text
select name, checksum
from users_sync.objects
