-- found: the next $10 deliveries that an index finds, in one order; a part of page and recall
(
            select
                j.source, j.delivery_id, j.received_at, j.event_type, j.outcome, j.reason, {columns}
            from users_sync.journal j
            where ($1::text is null or j.source = $1)
              -- Only rare values have an index.
              and ($2::text is null or $2 = 'applied' or j.outcome = $2)
              and ($3::text is null or (j.kind = $3 and j.entity_id = $13::text))
              and j.received_at >= coalesce($5::timestamptz, '-infinity')
              and ($6::timestamptz is null or j.received_at < $6)
              and ($7::timestamptz is null
                  or (j.received_at {beyond}= $7
                      and (j.received_at, j.source, j.delivery_id) {beyond} ($7, $8::text, $9::text)))
            order by j.received_at {order}, j.source {order}, j.delivery_id {order}
            limit $10::bigint
        )
        union all
        -- Those that name the entity second or further.
        (
            select
                m.source, m.delivery_id, m.received_at, j.event_type, j.outcome, j.reason, {columns}
            from users_sync.mentions m
            join users_sync.journal j on j.source = m.source and j.delivery_id = m.delivery_id
            where m.kind = $3 and m.entity_id = $13
              and (j.kind, j.entity_id) is distinct from (m.kind, m.entity_id)
              and ($1::text is null or m.source = $1)
              and ($2::text is null or $2 = 'applied' or j.outcome = $2)
              and m.received_at >= coalesce($5::timestamptz, '-infinity')
              and ($6::timestamptz is null or m.received_at < $6)
              and ($7::timestamptz is null
                  or (m.received_at {beyond}= $7
                      and (m.received_at, m.source, m.delivery_id) {beyond} ($7, $8::text, $9::text)))
            order by m.received_at {order}, m.source {order}, m.delivery_id {order}
            limit $10::bigint
        )
        order by received_at {order}, source {order}, delivery_id {order}
        limit $10::bigint
