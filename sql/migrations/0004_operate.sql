-- operate: what looking, replaying and erasing need to find rows fast at any size

-- Applied ones are most of the journal; the others are what people look for.
create index journal_outcome_idx on users_sync.journal (outcome, received_at)
    where outcome <> 'applied';

-- The history of one user, and what is erased with it.
create index journal_entity_idx on users_sync.journal (kind, entity_id, received_at)
    where entity_id is not null;

-- The last delivery of each source, and the list of one source's deliveries.
create index journal_source_idx on users_sync.journal (source, received_at);

-- What a delete policy has still to do.
create index ledger_to_purge_idx on users_sync.ledger (deleted_at)
    where deleted_at is not null and purged_at is null;

-- What stays empty: a late delivery may bring a body again.
create index ledger_purged_idx on users_sync.ledger (purged_at)
    where purged_at is not null;

create table users_sync.findings (
    subject text collate "C" not null,
    id text collate "C" not null,
    found_at timestamptz not null default now(),
    detail text not null,
    primary key (subject, id)
);

comment on table users_sync.findings is 'What an operator should know and do something about; gone when it is dealt with.';
comment on column users_sync.findings.subject is 'What kind of thing it is, such as purge.';
comment on column users_sync.findings.id is 'What it is about: a user for purge.';
comment on column users_sync.findings.detail is 'The problem and the remedy, in words.';

comment on column users_sync.ledger.purged_at is
    'When the mirror row was emptied or removed; such an entity is never filled again.';
comment on column users_sync.journal.attempts is 'How many times this delivery arrived or was replayed.';
