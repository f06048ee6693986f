-- tombstone: the deletion that counts, given the first and the last one received and the fence
create or replace function users_sync.tombstone(first timestamptz, last timestamptz, fence timestamptz)
returns timestamptz
language sql immutable parallel safe
as $$
    select case when fence is null or first >= fence then first when last >= fence then last end
$$;

comment on function users_sync.tombstone is 'The deletion that counts, given the first and the last one received and the fence.';
