-- silence: what reconciliations repaired is known for good, although their runs are forgotten

create table users_sync.repairs (
    source text collate "C" primary key,
    missing bigint not null,
    stale bigint not null,
    restored bigint not null,
    gone bigint not null
);

comment on table users_sync.repairs is
    'What the reconciliations repaired whose runs are forgotten; with those in runs it is all that was ever repaired.';
comment on column users_sync.repairs.missing is 'Users that the table did not have.';
comment on column users_sync.repairs.stale is 'Rows that differed from the list.';
comment on column users_sync.repairs.restored is 'Tombstones of users that the provider confirmed to exist.';
comment on column users_sync.repairs.gone is 'Users that the provider confirmed not to have.';
