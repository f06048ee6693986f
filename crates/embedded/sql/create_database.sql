-- create_database: renders the statement that creates an empty database (`create database` takes no parameters)
select format('create database %I', $1::text)
