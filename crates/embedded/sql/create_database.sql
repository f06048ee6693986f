-- create_database: the statement that makes an empty database of this name, which no statement takes as a parameter
select format('create database %I', $1::text)
