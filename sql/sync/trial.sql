-- trial: a row of the journal that is rolled back: it fails if a trigger, a rule or a policy refuses every delivery
insert into users_sync.journal (source, delivery_id, received_at, outcome, reason)
values ('', $1, now(), 'ignored', 'a trial of whether deliveries can be written')
