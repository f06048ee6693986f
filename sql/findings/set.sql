-- set: sets the finding about $2 of subject $1 to $3; an existing finding keeps its time
insert into users_sync.findings as f (subject, id, detail)
values ($1, $2, $3)
on conflict (subject, id) do update set detail = excluded.detail
where f.detail <> excluded.detail
