-- converge: writes one batch by the law of convergence; as a function, so that each session plans it once, behind a transaction pooler too
create or replace function users_sync.converge(
    -- at most one for each entity; deliveries and mentions refer to them by their places, from 1
    claims users_sync.claim[],
    -- in the order of the answers
    deliveries users_sync.delivery[],
    -- the further changes of deliveries that say more than one
    mentions users_sync.mention[],
    -- the channel that announces every changed entity; null for none
    notify_channel text,
    lock_wait text
)
-- One row for each delivery, with its source and id; and, where they are announced or there are no deliveries, one for each
-- mirror row that changed, with its kind and id. A delivery that says something of another source's entity is not journaled:
-- its outcome is `foreign`, and owner names that source.
returns table (
    source text, delivery_id text, outcome text, entity_kind text, entity_id text, owner text, notified text
)
language plpgsql
-- Postgres plans once, before it knows how long the arrays are: nested loops over them would be quadratic.
set enable_nestloop = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    -- One for each claim, in their order.
    standings users_sync.standing[];
    -- The kinds of the claims that the ledger took.
    kinds text[];
    -- Whether the ledger took entities of which the mirror shows no snapshot of this batch.
    buries boolean;
    -- Whether there are claims that the ledger did not take.
    misses boolean;
    marks boolean;
    -- The owners of the entities that the ledger did not take, by the places of their claims.
    owners text[];
    announces boolean := notify_channel is not null or cardinality(deliveries) = 0;
    -- The mirror rows that changed, where they are announced.
    changed users_sync.key[] := '{}';
    -- What outweighs the verdict on the first change of a delivery, and the owner that it names.
    further text[];
    further_owners text[];
begin
    -- Until the end of the transaction. The server itself ends a wait for the lock of another session, behind any pooler.
    perform set_config('lock_timeout', lock_wait, true);
    -- An answer of 200 promises that the row survives a crash, whatever the role or the database has for a default.
    if current_setting('synchronous_commit') not in ('on', 'remote_apply') then
        perform set_config('synchronous_commit', 'on', true);
    end if;

    if cardinality(claims) > 0 then
        with claim as (
            select *
            from unnest(claims) with ordinality as c (
                kind, id, source, version_at, version_delivery, first_deleted_at, last_deleted_at, fence,
                disabled, marked, texts, permissions, created_at, updated_at, raw_json, place
            )
        ),
        ledgered as (
            insert into users_sync.ledger as l
                (kind, id, source, version_at, version_delivery, disabled,
                 first_deleted_at, last_deleted_at, fence, deleted_at)
            select kind, id, source, version_at, version_delivery, disabled,
                first_deleted_at, last_deleted_at, fence,
                users_sync.tombstone(first_deleted_at, last_deleted_at, fence)
            from claim
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
            returning l.kind, l.id, l.version_at, l.version_delivery, l.deleted_at, l.last_deleted_at, l.xmax = 0 as is_new
        ),
        standing as (
            select
                c.kind, c.id, c.marked, l.id is not null as taken,
                l.version_at, l.version_delivery, l.deleted_at,
                case
                    when l.deleted_at is not null then 'deleted'
                    when l.is_new then 'created'
                    -- As the ledger was before this statement: looked at only where a fence may have lifted a deletion.
                    when c.fence is not null and l.last_deleted_at is not null and (
                        select o.deleted_at from users_sync.ledger o where o.kind = c.kind and o.id = c.id
                    ) is not null then 'restored'
                    else 'updated'
                end as effect,
                coalesce((c.version_at, c.version_delivery) = (l.version_at, l.version_delivery), false) as shows,
                c.texts, c.permissions, c.created_at, c.updated_at, c.raw_json
            from claim c
            left join ledgered l on l.kind = c.kind and l.id = c.id
            order by c.place
        )
        select
            array_agg(
                (
                    kind, id, taken, version_at, version_delivery, deleted_at, effect, shows,
                    texts, permissions, created_at, updated_at, raw_json
                )::users_sync.standing
            ),
            -- Not distinct: for that, Postgres from 16 on may sort the rows by kind, and the standings above would lose their order.
            array_agg(kind) filter (where taken),
            bool_or(taken and not shows),
            bool_or(not taken),
            bool_or(marked)
        into standings, kinds, buries, misses, marks
        from standing;

{mirrors}
        if marks then
            -- In the same transaction: no mark is lost, and none is made for a change that was rolled back.
            insert into users_sync.marks as m (source, kind, id)
            select source, kind, id
            from unnest(claims) as c
            where marked
              -- A stale delivery is a reason to ask, too: the provider may have changed the entity since without another one.
              and coalesce((
                  select o.source from users_sync.ledger o where o.kind = c.kind and o.id = c.id
              ), '') in ('', c.source)
            order by source collate "C", kind collate "C", id collate "C"
            on conflict (source, kind, id) do update
            -- A mark with a long pause is due again soon after a new delivery.
            set mark = default, due_at = least(m.due_at, clock_timestamp() + interval '2 seconds');
        end if;

        if misses then
            -- A statement of its own: it sees what another session has just made, too.
            select array_agg(
                case when not s.taken then (
                    select o.source from users_sync.ledger o where o.kind = s.kind and o.id = s.id
                ) end
                order by s.place
            )
            into owners
            from unnest(standings) with ordinality as s (
                kind, id, taken, version_at, version_delivery, deleted_at, effect, shows,
                texts, permissions, created_at, updated_at, raw_json, place
            );
        end if;
    end if;

    if cardinality(mentions) > 0 then
        select array_agg(v.verdict order by d.place), array_agg(v.owner order by d.place)
        into further, further_owners
        from generate_series(1, cardinality(deliveries)) as d (place)
        left join (
            select
                m.place,
                case
                    when bool_or(m.verdict = 'foreign') then 'foreign'
                    when bool_or(m.verdict = 'applied') then 'applied'
                end as verdict,
                max(m.owner) filter (where m.verdict = 'foreign') as owner
            from (
                select
                    m.place, owners[m.claim] as owner,
                    users_sync.verdict(
                        standings[m.claim], m.change_at, (deliveries[m.place]).delivery_id, m.deletes,
                        owners[m.claim], (deliveries[m.place]).source
                    ) as verdict
                from unnest(mentions) as m
            ) m
            group by m.place
        ) v on v.place = d.place;
    end if;

    if cardinality(deliveries) > 0 then
        return query
        insert into users_sync.journal as j
            (source, delivery_id, event_type, kind, entity_id, version_at, received_at, attempts,
             outcome, reason, body)
        select source, delivery_id, event_type, kind, entity_id, change_at, received_at, attempts,
            outcome, reason, body
        from (
            select
                d.*,
                case
                    when decided is not null then decided
                    when verdict = 'foreign' then verdict
                    else coalesce(further[place], verdict)
                end as outcome
            from (
                select
                    d.*,
                    users_sync.verdict(
                        standings[d.claim], d.change_at, d.delivery_id, d.deletes, owners[d.claim], d.source
                    ) as verdict
                from unnest(deliveries) with ordinality as d (
                    source, delivery_id, event_type, received_at, attempts,
                    kind, entity_id, claim, change_at, deletes, decided, reason, body, place
                )
            ) d
        ) d
        where outcome <> 'foreign'
        order by source collate "C", delivery_id collate "C"
        on conflict (source, delivery_id) do update set
            attempts = j.attempts + excluded.attempts,
            -- A quarantined delivery gets a new outcome, because a fix may have made it readable; an ignored one, if this
            -- version keeps what it says.
            (event_type, kind, entity_id, version_at, processed_at, processed_in, outcome, reason, body) = (
                select w.event_type, w.kind, w.entity_id, w.version_at, w.processed_at, w.processed_in,
                    w.outcome, w.reason, w.body
                from (values
                    (j.event_type, j.kind, j.entity_id, j.version_at, j.processed_at, j.processed_in,
                        j.outcome, j.reason, j.body, false),
                    (excluded.event_type, excluded.kind, excluded.entity_id, excluded.version_at,
                        excluded.processed_at, excluded.processed_in,
                        excluded.outcome, excluded.reason, excluded.body, true)
                ) as w (event_type, kind, entity_id, version_at, processed_at, processed_in,
                    outcome, reason, body, is_new)
                where w.is_new = (
                    j.outcome = 'quarantined' or (j.outcome = 'ignored' and excluded.outcome <> 'ignored')
                )
            )
        returning
            j.source, j.delivery_id,
            case when j.processed_in = pg_current_xact_id() then j.outcome else 'duplicate' end,
            null, null, null, null;
    end if;

    if misses and cardinality(deliveries) > 0 then
        return query
        select source, delivery_id, 'foreign', null, null, owner, null
        from (
            select
                d.source, d.delivery_id, d.decided,
                coalesce(further_owners[d.place], owners[d.claim]) as owner
            from unnest(deliveries) with ordinality as d (
                source, delivery_id, event_type, received_at, attempts,
                kind, entity_id, claim, change_at, deletes, decided, reason, body, place
            )
        ) d
        where decided is null and owner not in ('', source);
    end if;

    if cardinality(mentions) > 0 then
        with journaled as materialized (
            select
                d.place, d.source, d.delivery_id,
                -- No mention of a delivery that is not journaled, or that came again and is still ignored or in quarantine. A
                -- sub-select,
                -- because without nested loops a join would read the whole journal.
                (
                    select j.received_at from users_sync.journal j
                    where j.source = d.source and j.delivery_id = d.delivery_id
                        and j.outcome not in ('ignored', 'quarantined')
                ) as received_at
            from unnest(deliveries) with ordinality as d (
                source, delivery_id, event_type, received_at, attempts,
                kind, entity_id, claim, change_at, deletes, decided, reason, body, place
            )
        )
        insert into users_sync.mentions (source, delivery_id, kind, entity_id, version_at, received_at)
        select j.source, j.delivery_id, m.kind, m.entity_id, m.change_at, j.received_at
        from unnest(mentions) as m
        join journaled j on j.place = m.place and j.received_at is not null
        order by j.source collate "C", j.delivery_id collate "C", m.kind collate "C", m.entity_id collate "C"
        on conflict do nothing;
    end if;

    if cardinality(changed) > 0 then
        return query
        select
            null, null, s.effect, s.kind, s.id, null,
            case when notify_channel is not null then pg_notify(
                notify_channel,
                json_build_object('kind', s.kind, 'id', s.id, 'effect', s.effect)::text
            )::text end
        from unnest(changed) as c
        join unnest(standings) as s on s.kind = c.kind and s.id = c.id;
    end if;
end
$$;

comment on function users_sync.converge is
    'Writes one batch by the law of convergence: ledger, mirrors, marks and journal.';
