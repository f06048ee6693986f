-- check_deferred: checks the deferred constraints now, for a transaction that rolls back before its commit would check them
set constraints all immediate
