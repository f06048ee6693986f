-- instances: which instance a run has asked, and runs that had to leave users out

alter table users_sync.runs
    drop constraint runs_outcome_check,
    add constraint runs_outcome_check check (outcome in ('done', 'partial', 'refused', 'failed')),
    add column instance text;

comment on column users_sync.runs.outcome is
    'done: every user was looked at. partial: some were left out. refused: the list is not taken for that of these users. failed: it broke off.';
comment on column users_sync.runs.instance is
    'The instance or project that was asked, where the configuration names it; null where only the key knows.';
comment on column users_sync.runs.unreadable is
    'Users that were left out: unreadable, refused by Postgres, of another source, or without an answer of the API.';
