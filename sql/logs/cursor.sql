-- cursor: how far the log of source $1 has been read; no row if it has not begun
select cursor from users_sync.logs where source = $1
