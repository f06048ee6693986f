-- {table}: a mirror, created if the database lacks it
do $$
begin
    -- `if not exists` asks for the right to create one all the same.
    if to_regnamespace('neon_auth') is null then
        create schema neon_auth;
    end if;
end
$$;

-- Room on every page for the next version of a row, which then needs no new entries in the indexes.
create table if not exists {table} (
    id text primary key,
    {columns},
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    raw_json jsonb not null
) with (fillfactor = 80);

{indexes}

{comments}

do $$
begin
    -- A server may be built without it.
    if exists (
        select from pg_settings
        where name = 'default_toast_compression' and 'lz4' = any (enumvals)
    ) then
        alter table {table} alter column raw_json set compression lz4;
    end if;
end
$$;
