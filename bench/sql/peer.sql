-- peer: what a careful team's handler keeps: the users, and the ids of the deliveries that it has seen
create schema peer;

create table peer.users (
    id text primary key,
    name text,
    email text,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz,
    raw_json jsonb not null
);

create index users_deleted_at_idx on peer.users (deleted_at);

create table peer.deliveries (
    id text primary key,
    received_at timestamptz not null default now()
);
