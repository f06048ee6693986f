-- types: what users_sync.converge takes and works with; a later version that needs other types creates them beside
-- these
do $$
begin
    if to_regclass('users_sync.key') is null then
        create type users_sync.key as (kind text, id text);
        comment on type users_sync.key is 'One entity.';
    end if;
    if to_regclass('users_sync.claim') is null then
        create type users_sync.claim as (
            kind text, id text, source text,
            version_at timestamptz, version_delivery text,
            first_deleted_at timestamptz, last_deleted_at timestamptz, fence timestamptz,
            disabled boolean, marked boolean,
            texts text[], permissions text[], created_at timestamptz, updated_at timestamptz, raw_json jsonb
        );
        comment on type users_sync.claim is
            'Everything that one batch says about one entity. texts: the values of the mirror''s text columns, in their order.';
    end if;
    if to_regclass('users_sync.delivery') is null then
        create type users_sync.delivery as (
            source text, delivery_id text, event_type text, received_at timestamptz, attempts integer,
            kind text, entity_id text, claim integer, change_at timestamptz, deletes boolean,
            decided text, reason text, body bytea
        );
        comment on type users_sync.delivery is
            'One delivery and the first change that it says. decided: its outcome, if the law does not decide it.';
    end if;
    if to_regclass('users_sync.mention') is null then
        create type users_sync.mention as (
            place integer, kind text, entity_id text, claim integer, change_at timestamptz, deletes boolean
        );
        comment on type users_sync.mention is 'A further change in the delivery at this position, from 1.';
    end if;
    if to_regclass('users_sync.standing') is null then
        create type users_sync.standing as (
            kind text, id text, taken boolean,
            version_at timestamptz, version_delivery text, deleted_at timestamptz, effect text, shows boolean,
            texts text[], permissions text[], created_at timestamptz, updated_at timestamptz, raw_json jsonb
        );
        comment on type users_sync.standing is
            'A claim, and what the ledger has of its entity now. taken: whether the ledger took it. shows: whether the claim''s own snapshot is the one to show.';
    end if;
end
$$;
