        if '{kind}' = any (kinds) then
            if announces then
                with shown as (
                {show}
                returning m.id
                )
                select changed || array_agg(('{kind}', shown.id)::users_sync.key) into changed from shown;
                if buries then
                    with buried as (
                    {bury}
                    returning m.id
                    )
                    select changed || array_agg(('{kind}', buried.id)::users_sync.key) into changed from buried;
                end if;
            else
                {show};
                if buries then
                    {bury};
                end if;
            end if;
        end if;
