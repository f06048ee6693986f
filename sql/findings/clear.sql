-- clear: the finding about $2 of subject $1 is dealt with
delete from users_sync.findings
where subject = $1 and id = $2
