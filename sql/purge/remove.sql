-- remove: the rows of the deleted {plural} $1; a statement of its own, so that only it needs the right to delete
delete from {table}
where id = any ($1)
