-- take: takes or extends lease $1 for holder $2 by $3 seconds; no row if another holder has it
insert into users_sync.leases as l (name, holder, until)
values ($1, $2, now() + make_interval(secs => $3))
on conflict (name) do update set holder = excluded.holder, until = excluded.until
where l.holder = excluded.holder or l.until < now()
