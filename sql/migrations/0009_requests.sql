-- requests: when a request began for the first time, so that what an earlier attempt created can be known by its age

alter table users_sync.requests
    add column first_begun_at timestamptz not null default now();

update users_sync.requests set first_begun_at = begun_at;

comment on column users_sync.requests.begun_at is 'When its last attempt began; another one takes over a minute later.';
comment on column users_sync.requests.first_begun_at is
    'When its first attempt began: a user with its address that is younger was created by it.';
