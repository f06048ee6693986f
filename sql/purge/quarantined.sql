-- quarantined: discards what is in quarantine and has the id of one of the {plural} $1 as a JSON string in its bytes: no program
-- could read whom it is about
update users_sync.journal j
set body = null, outcome = 'ignored', reason = 'its {kind} was erased', processed_at = now()
where j.outcome = 'quarantined'
  and exists (
      select from unnest($1::text[]) as d (id)
      where position(convert_to(to_json(d.id)::text, 'UTF8') in j.body) > 0
  )
