-- shown: what the mirror shows of user $1
select name is not null as name, email is not null as email, pg_column_size(raw_json) as raw_json_bytes
from {table}
where id = $1
