-- process: the id of the server process that runs this statement
select pg_backend_pid() as pid
