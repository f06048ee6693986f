-- create_database: the database of the embedded server, empty; refused when it is there
create database users_sync
