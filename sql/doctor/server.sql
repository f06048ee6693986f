-- server: what the server is, and how we reached it
select
    current_setting('server_version_num')::integer as version_num,
    current_setting('server_version') as version,
    coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as tls,
    coalesce(inet_server_addr() <<= '127.0.0.0/8' or inet_server_addr() <<= '::1', true) as local,
    pg_encoding_to_char((select encoding from pg_database where datname = current_database()))::text as encoding,
    current_setting('client_encoding') as client_encoding,
    pg_is_in_recovery() as standby,
    current_setting('transaction_read_only')::boolean as read_only,
    clock_timestamp() as now,
    -- A session that is older than our connection belongs to a pooler.
    coalesce(extract(epoch from clock_timestamp() - (
        select backend_start from pg_stat_activity where pid = pg_backend_pid()
    )), 0)::float8 as session_age,
    current_user::text as role,
    has_database_privilege(current_database(), 'create') as may_create,
    current_setting('default_transaction_isolation') as isolation,
    current_setting('synchronous_commit') as synchronous_commit,
    current_setting('search_path') as search_path
