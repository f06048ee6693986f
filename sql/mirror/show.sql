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