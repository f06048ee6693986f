-- write_batch: the law of convergence, as a function, so that each session plans it once, behind a transaction pooler too
create or replace function users_sync.write_batch(
    -- entities: one row each, folded by the law
    entity_kinds text[], entity_ids text[], entity_sources text[],
    entity_version_ats timestamptz[], entity_version_deliveries text[],
    entity_first_deleted_ats timestamptz[], entity_last_deleted_ats timestamptz[],
    entity_fences timestamptz[], entity_disableds boolean[], entity_marks boolean[],
    user_names text[], user_emails text[], user_created_ats timestamptz[], user_updated_ats timestamptz[],
    user_raw_jsons jsonb[],
    -- deliveries: one row each, in the order of the answers; decided_outcomes is null where the law decides
    delivery_sources text[], delivery_ids text[], delivery_event_types text[],
    delivery_kinds text[], delivery_entity_ids text[], delivery_change_ats timestamptz[],
    delivery_deletes boolean[], delivery_received_ats timestamptz[], delivery_attempts integer[],
    decided_outcomes text[], delivery_reasons text[], delivery_bodies bytea[],
    -- the channel that announces every changed entity; null for none
    notify_channel text,
    lock_wait text
)
-- One row for each delivery, with its place, and one for each mirror row that changed, without. A delivery about another
-- source's entity is not written and not journaled: its outcome is `foreign`, and owner names that source. The outcome
-- `again` says that the entity came into being meanwhile: the delivery has to be judged once more.
returns table (place bigint, outcome text, entity_kind text, entity_id text, owner text, notified text)
language plpgsql
-- Postgres plans once, before it knows how long the arrays are: nested loops over them would be quadratic.
set enable_nestloop = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
begin
-- Until the end of the transaction. The server itself ends a wait for the lock of another session, behind any pooler.
perform set_config('lock_timeout', lock_wait, true);
-- An answer of 200 promises that the row survives a crash, whatever the role or the database has for a default.
if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
    perform set_config('synchronous_commit', 'on', true);
end if;
return query
with entity as (
    select *
    from unnest(
        entity_kinds, entity_ids, entity_sources, entity_version_ats, entity_version_deliveries,
        entity_first_deleted_ats, entity_last_deleted_ats, entity_fences, entity_disableds, entity_marks,
        user_names, user_emails, user_created_ats, user_updated_ats, user_raw_jsons
    ) as e (
        kind, id, source, version_at, version_delivery, first_deleted_at, last_deleted_at, fence, disabled, marked,
        name, email, created_at, updated_at, raw_json
    )
),
delivery as (
    select *
    from unnest(
        delivery_sources, delivery_ids, delivery_event_types, delivery_kinds, delivery_entity_ids,
        delivery_change_ats, delivery_deletes, delivery_received_ats, delivery_attempts,
        decided_outcomes, delivery_reasons, delivery_bodies
    ) with ordinality as d (
        source, delivery_id, event_type, kind, entity_id, change_at, deletes, received_at, attempts,
        decided, reason, body, place
    )
),
ledgered as (
    insert into users_sync.ledger as l
        (kind, id, source, version_at, version_delivery, disabled,
         first_deleted_at, last_deleted_at, fence, deleted_at)
    select kind, id, source, version_at, version_delivery, disabled,
        first_deleted_at, last_deleted_at, fence,
        users_sync.tombstone(first_deleted_at, last_deleted_at, fence)
    from entity
    -- One order in every session: two batches can wait for each other, but never in a circle.
    order by kind collate "C", id collate "C"
    on conflict (kind, id) do update set
        source = excluded.source,
        -- A snapshot at or after the known one replaces it; a mere deletion (no version) replaces nothing.
        (version_at, version_delivery, disabled) = (
            select w.version_at, w.version_delivery, w.disabled
            from (values
                (excluded.version_at, excluded.version_delivery, excluded.disabled),
                (l.version_at, l.version_delivery, l.disabled)
            ) as w (version_at, version_delivery, disabled)
            order by w.version_at desc nulls last, w.version_delivery collate "C" desc nulls last
            limit 1
        ),
        first_deleted_at = least(l.first_deleted_at, excluded.first_deleted_at),
        last_deleted_at = greatest(l.last_deleted_at, excluded.last_deleted_at),
        fence = greatest(l.fence, excluded.fence),
        deleted_at = users_sync.tombstone(
            least(l.first_deleted_at, excluded.first_deleted_at),
            greatest(l.last_deleted_at, excluded.last_deleted_at),
            greatest(l.fence, excluded.fence)
        )
    where l.purged_at is null
      -- An entity has one owner, the source that said it first; an empty one is still to be claimed.
      and l.source in ('', excluded.source)
      -- Equal ones pass too: a replay must be able to repair a lost mirror row.
      and (
          (excluded.version_at, excluded.version_delivery)
              >= (coalesce(l.version_at, '-infinity'), coalesce(l.version_delivery, ''))
          or excluded.first_deleted_at is not null
          or excluded.fence is not null
      )
    returning l.kind, l.id, l.version_at, l.version_delivery, l.deleted_at, l.xmax = 0 as is_new
),
profiles as (
    insert into neon_auth.users_sync as u
        (id, name, email, created_at, updated_at, deleted_at, raw_json)
    select e.id, e.name, e.email, e.created_at, e.updated_at, l.deleted_at, e.raw_json
    from ledgered l
    join entity e using (kind, id, version_at, version_delivery)
    where kind = 'user'
    on conflict (id) do update set
        name = excluded.name,
        email = excluded.email,
        created_at = excluded.created_at,
        updated_at = excluded.updated_at,
        deleted_at = excluded.deleted_at,
        raw_json = excluded.raw_json
    -- An equal row is not written; raw_json is compared last, because detoasting it is expensive.
    where (u.updated_at, u.name, u.email, u.created_at, u.deleted_at, u.raw_json)
        is distinct from (
            excluded.updated_at, excluded.name, excluded.email, excluded.created_at,
            excluded.deleted_at, excluded.raw_json
        )
    returning u.id
),
tombstones as (
    insert into neon_auth.users_sync as u (id, deleted_at, raw_json)
    select l.id, l.deleted_at, jsonb_build_object('id', l.id)
    from ledgered l
    join entity e using (kind, id)
    where kind = 'user'
      -- Not one of the profiles above: an older snapshot, or none at all (null = null is not true).
      and ((e.version_at, e.version_delivery) = (l.version_at, l.version_delivery)) is not true
    -- The profile stays: a deletion says nothing about it.
    on conflict (id) do update set deleted_at = excluded.deleted_at
    where u.deleted_at is distinct from excluded.deleted_at
    returning u.id
),
-- In the same transaction: what is to be fetched is neither lost nor fetched for a change that never was.
marked as (
    insert into users_sync.marks as m (source, kind, id)
    select source, kind, id
    from entity e
    where marked
      -- A stale delivery is a reason to ask, too: the provider may have changed the user since without another one.
      and coalesce((
          select o.source from users_sync.ledger o where o.kind = e.kind and o.id = e.id
      ), '') in ('', e.source)
    order by source collate "C", kind collate "C", id collate "C"
    on conflict (source, kind, id) do update
    -- A mark that rests for long after answers in vain is due again soon after a new delivery.
    set mark = default, due_at = least(m.due_at, clock_timestamp() + interval '2 seconds')
),
changed as (
    select
        l.kind,
        l.id,
        case
            when l.deleted_at is not null then 'deleted'
            when l.is_new then 'created'
            when e.fence is not null then 'restored'
            else 'updated'
        end as effect
    from (select id from profiles union all select id from tombstones) c
    join ledgered l on l.id = c.id and l.kind = 'user'
    join entity e on e.id = l.id and e.kind = l.kind
),
judged as (
    select
        d.*,
        case
            when d.decided is not null then d.decided
            when d.ledgered and d.deletes then
                case when d.change_at = d.deleted_at then 'applied' else 'stale' end
            when d.ledgered then
                case when (d.change_at, d.delivery_id) = (d.version_at, d.version_delivery) then 'applied' else 'stale' end
            -- The ledger refused it, although this statement sees no row of it: another one has just made it.
            when d.owner is null then 'again'
            when d.owner in ('', d.source) then 'stale'
            else 'foreign'
        end as outcome
    from (
        select
            d.*, l.id is not null as ledgered, l.version_at, l.version_delivery, l.deleted_at,
            -- Only where the ledger took nothing: one look at an index for what is stale, none for what is applied.
            case when d.decided is null and l.id is null then (
                select o.source from users_sync.ledger o where o.kind = d.kind and o.id = d.entity_id
            ) end as owner
        from delivery d
        left join ledgered l on l.kind = d.kind and l.id = d.entity_id
    ) d
),
journaled as (
    insert into users_sync.journal as j
        (source, delivery_id, event_type, kind, entity_id, version_at, received_at, attempts,
         outcome, reason, body)
    select source, delivery_id, event_type, kind, entity_id, change_at, received_at, attempts,
        outcome, reason, body
    from judged
    where judged.outcome not in ('foreign', 'again')
    order by source collate "C", delivery_id collate "C"
    on conflict (source, delivery_id) do update set
        attempts = j.attempts + excluded.attempts,
        -- Only a quarantined delivery gets a new outcome: a fix may have made it readable.
        (event_type, kind, entity_id, version_at, processed_at, processed_in, outcome, reason, body) = (
            select w.event_type, w.kind, w.entity_id, w.version_at, w.processed_at, w.processed_in,
                w.outcome, w.reason, w.body
            from (values
                (j.event_type, j.kind, j.entity_id, j.version_at, j.processed_at, j.processed_in,
                    j.outcome, j.reason, j.body, j.outcome <> 'quarantined'),
                (excluded.event_type, excluded.kind, excluded.entity_id, excluded.version_at,
                    excluded.processed_at, excluded.processed_in,
                    excluded.outcome, excluded.reason, excluded.body, j.outcome = 'quarantined')
            ) as w (event_type, kind, entity_id, version_at, processed_at, processed_in,
                outcome, reason, body, holds)
            where w.holds
        )
    returning j.source, j.delivery_id, j.processed_in
)
select
    g.place,
    case when j.processed_in is null or j.processed_in = pg_current_xact_id() then g.outcome else 'duplicate' end,
    null, null, g.owner, null
from judged g
left join journaled j using (source, delivery_id)
union all
select
    null, c.effect, c.kind, c.id, null,
    case when notify_channel is not null then pg_notify(
        notify_channel,
        json_build_object('kind', c.kind, 'id', c.id, 'effect', c.effect)::text
    )::text end
from changed c;
end
$$;

comment on function users_sync.write_batch is
    'Writes one batch by the law of convergence: ledger, mirror, marks and journal, in one statement.';
