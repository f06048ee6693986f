-- lock: one migrator at a time, until its transaction ends; transaction-scoped, so it works behind a pooler
select pg_advisory_xact_lock(hashtextextended('users-sync migrations', 0))
