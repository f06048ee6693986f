-- limits: how long this transaction waits for a lock, and how long each of its statements may take; null keeps the session's limit
select set_config('lock_timeout', $1, true),
       set_config('statement_timeout', coalesce($2, current_setting('statement_timeout')), true)
