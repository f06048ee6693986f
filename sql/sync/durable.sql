-- durable: makes the commit of this transaction survive a crash, whatever default the role or the database has
select set_config('synchronous_commit', 'on', true)
where current_setting('synchronous_commit') not in ('on', 'remote_apply')
