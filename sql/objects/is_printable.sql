-- is_printable: whether a document can be printed as text of a reasonable length; every statement of ours checks
-- this first
create or replace function users_sync.is_printable(document jsonb)
returns boolean
language plpgsql stable
as $$
begin
    return not coalesce(document @? 'strict $.**{1001}', true)
        -- `1e131000` is stored in a few bytes, and prints as 131,001 digits.
        and (
            select coalesce(sum(
                scale(n.number::numeric) + case when abs(n.number::numeric) >= 1e400 then 131072 else 0 end
            ), 0) <= 1048576
            -- With one row per number, the time would grow with the square of their count.
            from jsonb_array_elements(
                jsonb_path_query_array(document, 'strict $.** ? (@.type() == "number")')
            ) as n (number)
        );
exception
    -- It is nested too deeply to be walked.
    when program_limit_exceeded then
        return false;
end
$$;

comment on function users_sync.is_printable is
    'Whether this document is nested in at most 1,000 levels, and its numbers print as a mebibyte of digits at most.';
