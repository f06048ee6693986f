-- users_sync: the mirror of users as the migrations leave it, for a database that has lost it
do $$
begin
    -- `if not exists` asks for the right to create one all the same.
    if to_regnamespace('neon_auth') is null then
        create schema neon_auth;
    end if;
end
$$;

create table if not exists neon_auth.users_sync (
    id text primary key,
    name text,
    email text,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    raw_json jsonb not null
) with (fillfactor = 80);

comment on table neon_auth.users_sync is
    'The auth provider''s users, kept by users-sync. Join to it, put foreign keys on id; do not write to it.';
comment on column neon_auth.users_sync.id is 'The provider''s user id.';
comment on column neon_auth.users_sync.name is 'Display name; null where the provider has none.';
comment on column neon_auth.users_sync.email is 'Primary e-mail address; null where there is none. Not unique.';
comment on column neon_auth.users_sync.created_at is 'When the user signed up, as the provider says.';
comment on column neon_auth.users_sync.updated_at is 'When the provider last changed this profile.';
comment on column neon_auth.users_sync.deleted_at is 'When the provider deleted the user; null while it exists.';
comment on column neon_auth.users_sync.raw_json is 'The provider''s own user object.';

do $$
begin
    -- A server may be built without it.
    if exists (
        select from pg_settings
        where name = 'default_toast_compression' and 'lz4' = any (enumvals)
    ) then
        alter table neon_auth.users_sync alter column raw_json set compression lz4;
    end if;
end
$$;
