    if '{kind}' = any (kinds) then
        with shown as (
            insert into {table} as m
                (id, {names}, created_at, updated_at, deleted_at, raw_json)
            select s.id, {values}, s.created_at, s.updated_at, s.deleted_at, s.raw_json
            from unnest(standings) as s
            where s.kind = '{kind}' and s.shows
            on conflict (id) do update set
                {assignments},
                created_at = excluded.created_at,
                updated_at = excluded.updated_at,
                deleted_at = excluded.deleted_at,
                raw_json = excluded.raw_json
            -- An equal row is not written; raw_json is compared last, because detoasting it is expensive.
            where (m.updated_at, {old}, m.created_at, m.deleted_at, m.raw_json)
                is distinct from (
                    excluded.updated_at, {new}, excluded.created_at,
                    excluded.deleted_at, excluded.raw_json
                )
            returning m.id
        )
        select changed || coalesce(array_agg(('{kind}', shown.id)::users_sync.key), '{}') into changed from shown;
        if buries then
            with buried as (
                insert into {table} as m (id, deleted_at, raw_json)
                select s.id, s.deleted_at, jsonb_build_object('id', s.id)
                from unnest(standings) as s
                where s.kind = '{kind}' and not s.shows
                -- The profile stays: a deletion says nothing about it.
                on conflict (id) do update set deleted_at = excluded.deleted_at
                where m.deleted_at is distinct from excluded.deleted_at
                returning m.id
            )
            select changed || coalesce(array_agg(('{kind}', buried.id)::users_sync.key), '{}') into changed from buried;
        end if;
    end if;
