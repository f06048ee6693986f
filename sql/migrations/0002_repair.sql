-- repair: what the provider's API says joins the law; runs, leases and marks of what is to be fetched

alter table users_sync.ledger
    add column first_deleted_at timestamptz,
    add column last_deleted_at timestamptz,
    add column fence timestamptz;

update users_sync.ledger
set first_deleted_at = deleted_at, last_deleted_at = deleted_at
where deleted_at is not null;

comment on column users_sync.ledger.first_deleted_at is 'The smallest deletion time seen.';
comment on column users_sync.ledger.last_deleted_at is 'The greatest deletion time seen.';
comment on column users_sync.ledger.fence is
    'When the provider''s API last confirmed that the entity exists; deletions from before it are past.';
comment on column users_sync.ledger.deleted_at is
    'The tombstone: the smallest deletion time, or the greatest where the smallest lies before the fence; null where both do.';

create function users_sync.tombstone(first timestamptz, last timestamptz, fence timestamptz)
returns timestamptz
language sql immutable parallel safe
as $$
    select case when fence is null or first >= fence then first when last >= fence then last end
$$;

comment on function users_sync.tombstone is 'The deletion that stands, given all that were seen and the fence.';

create table users_sync.marks (
    source text collate "C" not null,
    kind text collate "C" not null,
    id text collate "C" not null,
    mark bigint generated always as identity,
    due_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    primary key (source, kind, id)
);

create index marks_due_at_idx on users_sync.marks (due_at);

comment on table users_sync.marks is 'Entities whose truth is to be fetched from their provider''s API.';
comment on column users_sync.marks.source is 'Whose API to ask; empty where nobody knows, and every API is asked.';
comment on column users_sync.marks.mark is 'Grows with every marking, so that one made during a fetch is not lost with it.';
comment on column users_sync.marks.due_at is 'When to fetch; pushed ahead while somebody does.';

create table users_sync.leases (
    name text collate "C" primary key,
    holder uuid not null,
    until timestamptz not null
);

comment on table users_sync.leases is
    'Who does what only one at a time may do; a holder that dies is outlived by the time.';

create table users_sync.runs (
    id bigint generated always as identity primary key,
    kind text not null,
    source text collate "C" not null,
    started_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    finished_at timestamptz,
    outcome text,
    reason text,
    cursor text,
    seen bigint not null default 0,
    missing bigint not null default 0,
    stale bigint not null default 0,
    restored bigint not null default 0,
    gone bigint not null default 0,
    unreadable bigint not null default 0,
    unannounced bigint not null default 0,
    unannounced_since timestamptz,
    check (kind in ('backfill', 'reconcile')),
    check (outcome in ('done', 'failed', 'refused')),
    check ((outcome is null) = (finished_at is null)),
    check ((unannounced = 0) = (unannounced_since is null))
);

create index runs_source_idx on users_sync.runs (source, kind, id desc);

comment on table users_sync.runs is 'Backfills and reconciliations: how far they came and what they found.';
comment on column users_sync.runs.cursor is 'Where the list goes on; what comes before it is written.';
comment on column users_sync.runs.seen is 'Users in the provider''s list.';
comment on column users_sync.runs.missing is 'Users that the table did not have.';
comment on column users_sync.runs.stale is 'Rows that differed from the list.';
comment on column users_sync.runs.restored is 'Tombstones of users that the provider confirmed to exist.';
comment on column users_sync.runs.gone is 'Users that the provider confirmed not to have.';
comment on column users_sync.runs.unannounced is
    'Repaired changes, some minutes old, that no delivery had announced: is the endpoint enabled and subscribed?';
comment on column users_sync.runs.unannounced_since is 'The oldest of them.';

create table users_sync.requests (
    key text collate "C" primary key,
    fingerprint text not null,
    user_id text,
    begun_at timestamptz not null default now()
);

comment on table users_sync.requests is 'Users that were created through us, by the Idempotency-Key of the request.';
comment on column users_sync.requests.user_id is 'Null while nobody knows whether the provider has created the user.';

create function users_sync.ensure_user(id text)
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
    -- Unknown to the ledger, so any change wins over it.
    insert into neon_auth.users_sync (id, raw_json)
    values (ensure_user.id, jsonb_build_object('id', ensure_user.id))
    on conflict do nothing;
    insert into users_sync.marks (source, kind, id) values ('', 'user', ensure_user.id)
    on conflict do nothing;
end
$$;

revoke execute on function users_sync.ensure_user from public;

comment on function users_sync.ensure_user is
    'A row for this user, so that a foreign key on it holds before the provider''s delivery comes.';
