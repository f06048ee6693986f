-- trial: a row of the journal that is taken back: a trigger, a rule or a policy that refuses every delivery shows here
insert into users_sync.journal (source, delivery_id, received_at, outcome, reason)
values ('', $1, now(), 'ignored', 'a trial of whether deliveries can be written')
