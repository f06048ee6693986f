-- indexes: every index of ours besides the keys, as the migrations make them
create index if not exists journal_received_at_idx on users_sync.journal (received_at);
create index if not exists journal_outcome_idx on users_sync.journal (outcome, received_at)
    where outcome <> 'applied';
create index if not exists journal_entity_idx on users_sync.journal (kind, entity_id, received_at)
    where entity_id is not null;
create index if not exists journal_source_idx on users_sync.journal (source, received_at);
create index if not exists journal_quarantined_idx on users_sync.journal (source, received_at)
    where outcome = 'quarantined';

create index if not exists ledger_to_purge_idx on users_sync.ledger (kind, deleted_at)
    where deleted_at is not null and purged_at is null;
create index if not exists ledger_purged_idx on users_sync.ledger (purged_at)
    where purged_at is not null;
create index if not exists ledger_disabled_idx on users_sync.ledger (kind, id) where disabled;

create index if not exists marks_due_at_idx on users_sync.marks (due_at);
create index if not exists mentions_entity_idx on users_sync.mentions (kind, entity_id, received_at);
create index if not exists runs_source_idx on users_sync.runs (source, kind, id desc);
