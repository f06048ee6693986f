-- logs: how far the event logs of the providers have been read

create table users_sync.logs (
    source text collate "C" primary key,
    cursor text not null,
    read_at timestamptz not null default now()
);

comment on table users_sync.logs is 'How far the event log of each source has been read.';
comment on column users_sync.logs.cursor is
    'The place in the log after the last event whose delivery is in the journal, as the provider names it.';
comment on column users_sync.logs.read_at is 'When the cursor moved last.';
