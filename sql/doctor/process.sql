-- process: which process of the server runs this
select pg_backend_pid() as pid
