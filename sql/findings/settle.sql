-- settle: of subject $1 only the findings about $2 are left
delete from users_sync.findings
where subject = $1 and id <> all ($2)
