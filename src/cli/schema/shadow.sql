create table {table} (id text primary key);
