-- aliases: the ids of entities whose source names them by their external ids

create table users_sync.aliases (
    source text collate "C" not null,
    kind text collate "C" not null,
    own_id text collate "C" not null,
    id text collate "C",
    primary key (source, kind, own_id)
);

create index aliases_id_idx on users_sync.aliases (kind, id) where id is not null;

comment on table users_sync.aliases is
    'The ids in the tables of entities that their provider knows by other ids, for sources with id = "external_id".';
comment on column users_sync.aliases.own_id is 'The provider''s own id, with the prefix of the source.';
comment on column users_sync.aliases.id is
    'The id in the tables; null while no delivery has shown an external id, and own_id is the id in the tables.';
