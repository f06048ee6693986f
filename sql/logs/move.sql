-- move: the log of source $1 has been read up to $2
insert into users_sync.logs (source, cursor)
values ($1, $2)
on conflict (source) do update set cursor = excluded.cursor, read_at = now()
