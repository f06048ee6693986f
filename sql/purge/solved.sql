-- solved: the findings of subject $1 about $2 are dealt with
delete from users_sync.findings
where subject = $1 and id = any ($2)
