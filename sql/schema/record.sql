-- record: records one applied migration
insert into users_sync.migrations (number, name, checksum)
values ($1, $2, $3)
