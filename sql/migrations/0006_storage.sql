-- storage: the mirror is written at every change, so its rows are compressed and moved as cheaply as the server can

-- Room on every page for the next version of a row, which then needs no new entries in the indexes.
do $$
begin
    if not exists (
        select from pg_class c, unnest(c.reloptions) as o (option)
        where c.oid = 'neon_auth.users_sync'::regclass and starts_with(option, 'fillfactor=')
    ) then
        alter table neon_auth.users_sync set (fillfactor = 80);
    end if;
    -- A server may be built without it.
    if exists (
        select from pg_settings
        where name = 'default_toast_compression' and 'lz4' = any (enumvals)
    ) then
        alter table neon_auth.users_sync alter column raw_json set compression lz4;
    end if;
end
$$;
