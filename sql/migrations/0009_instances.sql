-- instances: which instance a run has asked, runs that had to leave users out, and what a sign-in does not change

alter table users_sync.runs
    drop constraint runs_outcome_check,
    add constraint runs_outcome_check check (outcome in ('done', 'partial', 'refused', 'failed')),
    add column instance text;

comment on column users_sync.runs.outcome is
    'done: every user was looked at. partial: some were left out. refused: the list is not taken for that of these users. failed: it broke off.';
comment on column users_sync.runs.instance is
    'The instance or project that was asked, where the configuration names it; null where only the key knows.';
comment on column users_sync.runs.unreadable is
    'Users that were left out: unreadable, refused by Postgres, of another source, or without an answer of the API.';

create function users_sync.lasting(document jsonb, moving text[], metadata text[])
returns jsonb
language plpgsql immutable parallel safe
as $$
begin
    case jsonb_typeof(document)
    when 'object' then
        return (
            select coalesce(
                jsonb_object_agg(
                    f.key,
                    -- What an application keeps there is not ours to interpret, whatever its fields are called.
                    case when f.key = any (metadata) then f.value
                        else users_sync.lasting(f.value, moving, metadata) end
                ),
                '{}'
            )
            from jsonb_each(document) f
            where f.key <> all (moving)
        );
    when 'array' then
        return (
            select coalesce(jsonb_agg(users_sync.lasting(e.value, moving, metadata) order by e.place), '[]')
            from jsonb_array_elements(document) with ordinality as e (value, place)
        );
    else
        return document;
    end case;
end
$$;

comment on function users_sync.lasting is
    'A user without the fields that every sign-in moves, at any depth outside of the metadata.';
