-- types: the ids of the types that users_sync.converge takes
select
    'users_sync.claim'::regtype::oid as claim, 'users_sync.claim[]'::regtype::oid as claim_array,
    'users_sync.delivery'::regtype::oid as delivery, 'users_sync.delivery[]'::regtype::oid as delivery_array,
    'users_sync.mention'::regtype::oid as mention, 'users_sync.mention[]'::regtype::oid as mention_array
