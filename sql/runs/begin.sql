-- begin: a new run of kind $1 over source $2; answers its id, and forgets all but the last thousand
with forgotten as (
    delete from users_sync.runs
    where id in (
        select id
        from users_sync.runs
        where kind = $1 and source = $2
        order by id desc
        offset 1000
    )
)
insert into users_sync.runs (kind, source)
values ($1, $2)
returning id
