-- clear: removes the finding about $2 of subject $1
delete from users_sync.findings
where subject = $1 and id = $2
