-- ensure_{kind}: a row for this {kind}, in the transaction of the application, before the provider's delivery comes
create or replace function users_sync.ensure_{kind}(id text)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    if ensure_{kind}.id is null or btrim(ensure_{kind}.id) = '' or octet_length(ensure_{kind}.id) > 255 then
        raise invalid_parameter_value using message = 'an id has 1 to 255 bytes';
    end if;
    perform from {table} e where e.id = ensure_{kind}.id;
    if found then
        return;
    end if;
    perform from users_sync.ledger l
    where l.kind = '{kind}' and l.id = ensure_{kind}.id and l.purged_at is not null;
    if found then
        raise foreign_key_violation using message = 'the {kind} was deleted and purged';
    end if;
    -- The ledger does not know the id, so any change wins over this row.
    insert into {table} (id, raw_json)
    values (ensure_{kind}.id, jsonb_build_object('id', ensure_{kind}.id))
    on conflict do nothing;
    insert into users_sync.marks (source, kind, id) values ('', '{kind}', ensure_{kind}.id)
    on conflict do nothing;
end
$$;

revoke execute on function users_sync.ensure_{kind} from public;

comment on function users_sync.ensure_{kind} is
    'A row for this {kind}, so that a foreign key on it holds before the provider''s delivery comes.';
