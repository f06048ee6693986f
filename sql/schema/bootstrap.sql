-- bootstrap: our schema and the list of the migrations that were applied
do $$
begin
    -- `if not exists` would still require the right to create a schema.
    if to_regnamespace('users_sync') is null then
        create schema users_sync;
    end if;
end
$$;

create table if not exists users_sync.migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);

comment on table users_sync.migrations is 'The migrations of users-sync that were applied, with the SHA-256 of their text.';

create table if not exists users_sync.objects (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
);

comment on table users_sync.objects is
    'The functions and views of users-sync as they were last made, with the SHA-256 of their text.';
