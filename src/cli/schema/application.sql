-- For an application that joins to the users and organizations. Replace `app` by its role and `posts` by its table.

-- It reads the mirror, and nothing of the schema users_sync. Leave raw_json out where it is not needed: it holds all that
-- the provider sends, private metadata too.
grant usage on schema neon_auth to app;
grant select (id, name, email, created_at, updated_at, deleted_at) on neon_auth.users_sync to app;
{grants}

-- The role that creates a foreign key needs this right as well.
grant references (id) on neon_auth.users_sync to app;

-- Ids are text. The action fires with DELETE_POLICY=hard:…; until then a deletion only sets deleted_at. The index is for it.
create table posts (
    id bigint generated always as identity primary key,
    author text references neon_auth.users_sync (id) on delete set null,
    title text not null
);
create index posts_author_idx on posts (author);

-- A left join: a user may be deleted or not be there yet. The condition belongs into the `on`.
select p.title, coalesce(u.name, 'a former user') as author
from posts p
left join neon_auth.users_sync u on u.id = p.author and u.deleted_at is null;

-- The views have only what counts: users_active, organizations_active, and memberships_active, whose permissions are those
-- of the role and of the grants. A view reads whole rows, so its reader needs select on the tables without a list of columns:
-- GRANT_SELECT_TO=app grants that, and the three functions.
select m.organization_id, o.name, m.role, m.permissions
from neon_auth.memberships_active m
join neon_auth.organizations_active o on o.id = m.organization_id
where m.user_id = 'user_1';

-- For row-level security: call them inside `(select …)`.
select users_sync.is_active('user_1'),
    users_sync.has_role('user_1', 'org_1', 'admin'),
    users_sync.has_permission('user_1', 'org_1', 'org:documents:read');
