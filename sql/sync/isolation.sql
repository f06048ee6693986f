-- isolation: whether a transaction that does not say otherwise is read committed
select current_setting('default_transaction_isolation') = 'read committed' as read_committed
