-- server: the version of the server, and the encoding of the database
select
    current_setting('server_version_num')::integer as version_num,
    current_setting('server_version') as version,
    current_database()::text as database,
    pg_encoding_to_char(encoding)::text as encoding
from pg_database
where datname = current_database()
