-- ensure_user: creates a row for a user, in the transaction of the application, before the provider's delivery
-- arrives
create or replace function users_sync.ensure_user(id text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if ensure_user.id is null or btrim(ensure_user.id) = '' or octet_length(ensure_user.id) > 255 then
        raise invalid_parameter_value using message = 'a user id has 1 to 255 bytes';
    end if;
    perform from neon_auth.users_sync u where u.id = ensure_user.id;
    if found then
        return;
    end if;
    perform from users_sync.ledger l
    where l.kind = 'user' and l.id = ensure_user.id and l.purged_at is not null;
    if found then
        raise foreign_key_violation using message = 'the user was deleted and purged';
    end if;
    -- The ledger does not know the user, so any change replaces this row.
    insert into neon_auth.users_sync (id, raw_json)
    values (ensure_user.id, jsonb_build_object('id', ensure_user.id))
    on conflict do nothing;
    insert into users_sync.marks (source, kind, id) values ('', 'user', ensure_user.id)
    on conflict do nothing;
end
$$;

revoke execute on function users_sync.ensure_user from public;

comment on function users_sync.ensure_user is
    'A row for this user, so that a foreign key on it holds before the provider''s delivery arrives.';
