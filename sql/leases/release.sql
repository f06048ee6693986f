-- release: releases lease $1 of holder $2
delete from users_sync.leases
where name = $1 and holder = $2
