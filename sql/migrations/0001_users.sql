-- users: the mirror of users, and the ledger and journal behind it

create schema if not exists neon_auth;

create table if not exists neon_auth.users_sync (
    id text primary key,
    name text,
    email text,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    raw_json jsonb not null
);

create index if not exists users_sync_deleted_at_idx on neon_auth.users_sync (deleted_at);

comment on table neon_auth.users_sync is
    'The auth provider''s users, kept by users-sync. Join to it, put foreign keys on id; do not write to it.';
comment on column neon_auth.users_sync.id is 'The provider''s user id.';
comment on column neon_auth.users_sync.name is 'Display name; null where the provider has none.';
comment on column neon_auth.users_sync.email is 'Primary e-mail address; null where there is none. Not unique.';
comment on column neon_auth.users_sync.created_at is 'When the user signed up, as the provider says.';
comment on column neon_auth.users_sync.updated_at is 'When the provider last changed this profile.';
comment on column neon_auth.users_sync.deleted_at is 'When the provider deleted the user; null while it exists.';
comment on column neon_auth.users_sync.raw_json is 'The provider''s own user object.';

create table users_sync.ledger (
    kind text collate "C" not null,
    id text collate "C" not null,
    source text not null,
    version_at timestamptz,
    version_delivery text collate "C",
    deleted_at timestamptz,
    disabled boolean not null default false,
    purged_at timestamptz,
    primary key (kind, id),
    check (kind in ('user')),
    check ((version_at is null) = (version_delivery is null)),
    check (version_at is not null or deleted_at is not null)
) with (fillfactor = 85);

comment on table users_sync.ledger is
    'One row per entity: the version its mirror row shows, and its tombstone. The only guard; it outlives the mirror row.';
comment on column users_sync.ledger.version_at is
    'With version_delivery, the greatest version seen; null while only a deletion is known.';
comment on column users_sync.ledger.deleted_at is 'The smallest deletion time seen; never goes back to null by a webhook.';
comment on column users_sync.ledger.disabled is 'Banned, deprovisioned or restricted by an administrator.';
comment on column users_sync.ledger.purged_at is 'When the mirror row was removed; such an entity is never mirrored again.';

create table users_sync.journal (
    source text collate "C" not null,
    delivery_id text collate "C" not null,
    event_type text,
    kind text,
    entity_id text,
    version_at timestamptz,
    received_at timestamptz not null,
    processed_at timestamptz not null default now(),
    processed_in xid8 not null default pg_current_xact_id(),
    attempts integer not null default 1,
    outcome text not null,
    reason text,
    body bytea,
    primary key (source, delivery_id),
    check (outcome in ('applied', 'stale', 'ignored', 'quarantined')),
    check ((outcome in ('ignored', 'quarantined')) = (reason is not null)),
    check (outcome <> 'quarantined' or body is not null)
);

create index journal_received_at_idx on users_sync.journal (received_at);

comment on table users_sync.journal is 'One row per delivery: what arrived and what became of it.';
comment on column users_sync.journal.version_at is 'When the change happened, as the delivery says.';
comment on column users_sync.journal.received_at is 'When the first attempt that was journaled arrived.';
comment on column users_sync.journal.processed_at is 'When the outcome was decided, in the transaction that applied it.';
comment on column users_sync.journal.processed_in is
    'That transaction: two may begin in the same microsecond, and only one of them is the first to see a delivery.';
comment on column users_sync.journal.attempts is 'How many times this delivery arrived.';
comment on column users_sync.journal.body is 'The exact bytes received; kept for quarantined deliveries, or for all with JOURNAL_BODIES=all.';

create view neon_auth.users_active as
select u.*
from neon_auth.users_sync u
where u.deleted_at is null
  and not exists (
      select from users_sync.ledger l where l.kind = 'user' and l.id = u.id and l.disabled
  );

comment on view neon_auth.users_active is 'Users that are neither deleted nor disabled.';
