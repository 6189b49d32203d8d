/* The fields of an object that have a value. What lies deeper is content: there, null is one. */
create function store.given_fields(object jsonb) returns jsonb
  language sql immutable set search_path = pg_catalog, pg_temp
  return (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(object) where value <> 'null');

create or replace function store.tools_in(tools jsonb) returns jsonb
  language sql immutable set search_path = pg_catalog, pg_temp
  return (
    select coalesce(jsonb_agg(store.given_fields(tool) order by tool ->> 'tool_name'), '[]') from jsonb_array_elements(tools) tool);
create or replace function store.failures_in(failures jsonb) returns jsonb
  language sql immutable set search_path = pg_catalog, pg_temp
  return (
    select coalesce(jsonb_agg(store.given_fields(failure - 'resolution_steps') order by failure - 'resolution_steps'), '[]')
    from jsonb_array_elements(failures) failure);

/*
The batch with a repetition for each row that names none: that of the equal outcome which is stored already, so that a
repeated call stores once, whether a later attempt followed or not; else the next that has none. A later attempt is one at
the run that waits for it, or whose attempt before it comes in the same batch.
*/
create or replace function store.with_repetitions(tenant uuid, batch jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  line jsonb;
  lines jsonb[] := '{}';
  run record;
  chosen integer;
  retry integer;
  -- Attempts of the batch.
  taken text[] := array(
    select concat_ws('/', l ->> 'simulation_id', l ->> 'scenario_id', l ->> 'repetition', l ->> 'retry_count')
    from jsonb_array_elements(batch -> 'rows') l where l ->> 'repetition' is not null);
begin
  for line in select jsonb_array_elements(batch -> 'rows') loop
    if line ->> 'repetition' is null then
      retry := line ->> 'retry_count';
      select stored.repetition into chosen
        from store.outcome_keys k
        cross join lateral store.outcome_at(tenant, k.outcome_id, k.execution_time) stored
        where k.user_id = tenant and k.outcome_id = (line ->> 'outcome_id')::uuid
          and k.simulation_id = (line ->> 'simulation_id')::uuid and stored.scenario_id = line ->> 'scenario_id';
      if chosen is null then
        for run in
          select r.repetition, r.attempts, k.outcome_id, k.execution_time, v.model
          from public.simulations_scenarios r
          join public.simulations s on s.user_id = tenant and s.simulation_id = r.simulation_id
          join public.config_versions v on v.user_id = tenant and v.version_id = s.config_version_id
          -- The attempt that this would be if it were one at that run.
          left join store.outcome_keys k on line ->> 'outcome_id' is null and k.user_id = tenant
            and k.outcome_id = case
              when r.attempts = retry + 1 then r.outcome_id
              when r.attempts > retry then store.derived_outcome_id(r.simulation_id, r.scenario_id, r.repetition, retry)
            end
          where r.user_id = tenant and r.simulation_id = (line ->> 'simulation_id')::uuid and r.scenario_id = line ->> 'scenario_id'
            and concat_ws('/', r.simulation_id, r.scenario_id, r.repetition, retry) <> all (taken)
          order by r.repetition
        loop
          if run.outcome_id is not null and store.row_differences(tenant, run.execution_time, run.model,
              line || jsonb_build_object('repetition', run.repetition, 'outcome_id', run.outcome_id)) is null
          then
            chosen := run.repetition;
            line := line || jsonb_build_object('outcome_id', run.outcome_id);
            exit;
          end if;
          if chosen is null and (run.attempts = retry or run.attempts < retry
              and concat_ws('/', line ->> 'simulation_id', line ->> 'scenario_id', run.repetition, retry - 1) = any (taken))
          then
            chosen := run.repetition;
          end if;
        end loop;
      end if;
      -- One more than there are: the row is rejected for that.
      chosen := coalesce(chosen, 1 + (
        select s.repetitions from public.simulations s
        where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid), 1);
      line := line || jsonb_build_object('repetition', chosen);
      taken := taken || concat_ws('/', line ->> 'simulation_id', line ->> 'scenario_id', chosen, retry);
    end if;
    lines := lines || line;
  end loop;
  return batch || jsonb_build_object('rows', to_jsonb(lines));
end $$;

/*
The outcome with what the amendment sets. A total of tokens that is the sum of its halves, or is not known, is the sum of
what they are then.
*/
create function store.amended(before store.outcomes, set jsonb) returns store.outcomes
  language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  after store.outcomes := jsonb_populate_record(before, set);
begin
  if not set ? 'tokens_used' and set ?| array['prompt_tokens', 'completion_tokens']
    and coalesce(before.tokens_used = before.prompt_tokens + before.completion_tokens, before.tokens_used is null)
  then
    after.tokens_used := coalesce(after.prompt_tokens + after.completion_tokens, after.tokens_used);
  end if;
  return after;
end $$;

call store.mend('public.amend_outcomes(jsonb)', 'after := jsonb_populate_record(before, line.set);',
  'after := store.amended(before, line.set);');

-- The key of a run as columns: of coalesced ones PostgreSQL looks up nothing, and compared each row of a batch with all runs
-- that the tenant has. LIMIT makes it look into the index per row, as above in it, whatever statistics say; nobody moves the
-- row meanwhile, because all who change runs lock their simulation first.
call store.mend('public.ingest_outcomes(jsonb)', $part$
  runs as (
    update$part$, $mended$
  changed as materialized (
    select simulation_id, scenario_id, repetition, l.status, l.retry_count, l.outcome_id, l.reliability_score, l.modal_call_id,
      l.execution_time, l.execution_time_ms, m.attempts as missed_attempts
    from latest l full join missed m using (simulation_id, scenario_id, repetition)
  ),
  runs as (
    update$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    set status = coalesce(l.status, run.status), attempts = greatest(run.attempts, l.retry_count + 1),
      outcome_id = coalesce(l.outcome_id, run.outcome_id),
      reliability_score = case when l.outcome_id is null then run.reliability_score else l.reliability_score end,
      missed_attempts = coalesce(m.attempts, run.missed_attempts),
      modal_call_id = coalesce(l.modal_call_id, run.modal_call_id), completed_at = coalesce(l.execution_time, run.completed_at),
      started_at = coalesce(
        l.execution_time - make_interval(secs => coalesce(l.execution_time_ms, 0) / 1000.0), run.started_at)
    from latest l
    full join missed m using (simulation_id, scenario_id, repetition) as changed
    where$part$, $mended$
    set status = coalesce(c.status, run.status), attempts = greatest(run.attempts, c.retry_count + 1),
      outcome_id = coalesce(c.outcome_id, run.outcome_id),
      reliability_score = case when c.outcome_id is null then run.reliability_score else c.reliability_score end,
      missed_attempts = coalesce(c.missed_attempts, run.missed_attempts),
      modal_call_id = coalesce(c.modal_call_id, run.modal_call_id), completed_at = coalesce(c.execution_time, run.completed_at),
      started_at = coalesce(
        c.execution_time - make_interval(secs => coalesce(c.execution_time_ms, 0) / 1000.0), run.started_at)
    from changed c
    cross join lateral (
      select r.ctid from public.simulations_scenarios r
      where r.user_id = (select tenant) and r.simulation_id = c.simulation_id
        and r.scenario_id = c.scenario_id and r.repetition = c.repetition
      limit 1
    ) place
    where$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$run.simulation_id = changed.simulation_id
      and run.scenario_id = changed.scenario_id and run.repetition = changed.repetition$part$,
  'run.ctid = place.ctid');
