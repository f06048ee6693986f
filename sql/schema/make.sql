-- make: records the text from which object $1 was created
insert into users_sync.objects (name, checksum)
values ($1, $2)
on conflict (name) do update set checksum = excluded.checksum, applied_at = now()
