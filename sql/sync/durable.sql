-- durable: makes the commit of this transaction survive a crash, whatever the role or the database has for a default
select set_config('synchronous_commit', 'on', true)
where current_setting('synchronous_commit') not in ('on', 'remote_apply')
