-- isolation: whether a transaction is read committed by default
select current_setting('default_transaction_isolation') = 'read committed' as read_committed
