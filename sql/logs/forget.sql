-- forget: the log of source $1 must be read from its beginning
delete from users_sync.logs where source = $1
