-- upkeep: what is in quarantine is kept until it is dealt with, however much there is

-- How long each source's deliveries have been in quarantine.
create index journal_quarantined_idx on users_sync.journal (source, received_at)
    where outcome = 'quarantined';
