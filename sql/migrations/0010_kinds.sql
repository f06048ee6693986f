-- kinds: organizations, memberships, roles and grants join the users; one delivery may say something of many entities

-- Which kinds there are is data of the program.
alter table users_sync.ledger drop constraint ledger_kind_check;

create table users_sync.mentions (
    source text collate "C" not null,
    delivery_id text collate "C" not null,
    kind text collate "C" not null,
    entity_id text collate "C" not null,
    version_at timestamptz not null,
    received_at timestamptz not null,
    primary key (source, delivery_id, kind, entity_id)
);

create index mentions_entity_idx on users_sync.mentions (kind, entity_id, received_at);

-- Few are disabled, and every look at who is active asks for them.
create index ledger_disabled_idx on users_sync.ledger (kind, id) where disabled;

comment on table users_sync.mentions is
    'The further entities of deliveries that say something of more than one; the journal itself names the first.';
comment on column users_sync.mentions.version_at is 'When the change happened, as the delivery says.';
comment on column users_sync.mentions.received_at is 'As in the journal: when the first attempt that was journaled arrived.';

comment on table users_sync.marks is 'Entities whose truth is to be fetched from their provider''s API.';
comment on column users_sync.journal.kind is 'With entity_id, the first entity that the delivery says something of; users_sync.mentions names the others.';

-- A run looks at one kind of entity.
alter table users_sync.runs add column entity text not null default 'user';

comment on column users_sync.runs.entity is 'The kind of the entities that it looks at.';

-- What is deleted is looked for kind by kind.
drop index if exists users_sync.ledger_to_purge_idx;
create index ledger_to_purge_idx on users_sync.ledger (kind, deleted_at)
    where deleted_at is not null and purged_at is null;

comment on column users_sync.findings.id is
    'What it is about: for purge a user, or the kind of another entity before its id.';

-- Of the versions before the last one; write_batch stays, because an older replica may still call it.
drop function if exists users_sync.apply;
