insert into {table} as m (id, deleted_at, raw_json)
                select s.id, s.deleted_at, jsonb_build_object('id', s.id)
                from unnest(standings) as s
                where s.kind = '{kind}' and s.taken and not s.shows
                -- The profile stays: a deletion says nothing about it.
                on conflict (id) do update set deleted_at = excluded.deleted_at
                where m.deleted_at is distinct from excluded.deleted_at