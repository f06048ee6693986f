-- settle: removes the findings of subject $1 except those about $2
delete from users_sync.findings
where subject = $1 and id <> all ($2)
