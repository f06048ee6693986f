-- lasting: a user without the fields that every sign-in changes
create or replace function users_sync.lasting(document jsonb, moving text[], metadata text[])
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
                    -- The application chooses the content of the metadata, so no field in it counts as ours.
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
    'A user without the fields that every sign-in changes, at any depth outside the metadata.';
