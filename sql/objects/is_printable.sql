-- is_printable: whether a document can be turned into text, which no statement of ours does without asking
create or replace function users_sync.is_printable(document jsonb)
returns boolean
language plpgsql stable
as $$
begin
    -- Most documents are done here: a zero may be written with any number of digits, too.
    if not jsonb_path_exists(
        document,
        'strict $.** ? (@.type() == "number" && (@ >= 1e1000 || @ <= -1e1000 || (@ > -1e-1000 && @ < 1e-1000)))'
    ) then
        return true;
    end if;
    return (
        select count(*) <= 100
        from jsonb_path_query(document, 'strict $.** ? (@.type() == "number")') as n (number)
        where abs(n.number::numeric) >= 1e1000 or scale(n.number::numeric) > 1000
    );
exception
    -- It is nested too deeply to be walked.
    when program_limit_exceeded then
        return false;
end
$$;

comment on function users_sync.is_printable is
    'Whether this document has a text: of seven bytes such as 1e131000 the text has 131,001, and Postgres ends at a gigabyte.';
