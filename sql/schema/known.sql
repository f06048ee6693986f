-- known: whether the list of migrations exists
select to_regclass('users_sync.migrations') is not null
