-- survey: what depends on the mirror, and one of its rows
select
    (select count(*) from neon_auth.users_sync) as rows,
    (select count(*) from pg_constraint k
     where k.contype = 'f' and k.confrelid = 'neon_auth.users_sync'::regclass) as foreign_keys,
    pg_has_role(c.relowner, 'usage') as owned,
    pg_get_userbyid(c.relowner)::text as owner
from pg_class c
where c.oid = 'neon_auth.users_sync'::regclass
