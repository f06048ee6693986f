-- finding: remembers why a user's row could not be removed
insert into users_sync.findings as f (subject, id, detail)
values ('purge', $1, $2)
on conflict (subject, id) do update set detail = excluded.detail
