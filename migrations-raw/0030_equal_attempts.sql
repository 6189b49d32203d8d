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

/* As in 0023, with totals that follow their halves. */
create or replace function public.amend_outcomes(amendments jsonb)
  returns table (idx integer, outcome_id uuid, receipt text, code text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  tenant constant uuid := public.current_user_id();
  line record;
  before store.outcomes;
  after store.outcomes;
  tools jsonb;
  failures jsonb;
  given jsonb;
  differences text[];
  effects jsonb[] := '{}';
begin
  if tenant is null then
    raise insufficient_privilege using message = 'no tenant is set for this transaction';
  end if;

  -- As ingest_outcomes locks them.
  perform from public.simulations s
    where s.user_id = tenant and s.simulation_id in (
      select k.simulation_id from store.outcome_keys k
      where k.user_id = tenant
        and k.outcome_id in (select (a ->> 'outcome_id')::uuid from jsonb_array_elements(amendments) a))
    order by s.simulation_id
    for no key update;

  for line in
    select a.idx, a.outcome_id, a.set, k.execution_time, s.event_seq + 1 as event_seq
    from jsonb_to_recordset(amendments) as a(idx integer, outcome_id uuid, set jsonb)
    left join store.outcome_keys k on k.user_id = tenant and k.outcome_id = a.outcome_id
    left join public.simulations s on s.user_id = tenant and s.simulation_id = k.simulation_id
    order by a.idx
  loop
    before := store.outcome_at(tenant, line.outcome_id, line.execution_time);
    if before.outcome_id is null then
      return query select line.idx, line.outcome_id, 'REJECTED', 'OUTCOME_NOT_FOUND';
      continue;
    end if;
    after := store.amended(before, line.set);
    tools := store.tools_of(tenant, line.outcome_id);
    failures := store.failures_of(tenant, line.outcome_id);
    given := (
      select jsonb_agg(failure || jsonb_build_object('failure_category',
        coalesce(failure ->> 'failure_category', after.error_category, 'unknown')))
      from jsonb_array_elements(line.set -> 'failures') failure);
    differences := store.outcome_differences(before, after, tools, coalesce(line.set -> 'tools', tools), failures,
      coalesce(given, line.set -> 'failures', failures), true, true);
    if differences is null then
      return query select line.idx, line.outcome_id, 'UNCHANGED', null;
      continue;
    end if;

    execute format($update$update store.outcomes set status = $1, reliability_score = $2, execution_time_ms = $3,
        tokens_used = $4, prompt_tokens = $5, completion_tokens = $6, cost_usd = $7, model = $8, error_code = $9,
        error_category = $10, metrics = $11, event_seq = $12
      where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
      using after.status, after.reliability_score, after.execution_time_ms, after.tokens_used, after.prompt_tokens,
        after.completion_tokens, after.cost_usd, after.model, after.error_code, after.error_category, after.metrics,
        line.event_seq;
    if 'tool_usage' = any (differences) then
      delete from public.tool_usage u where u.user_id = tenant and u.outcome_id = before.outcome_id;
      insert into public.tool_usage
        (user_id, usage_id, outcome_id, simulation_id, execution_time, tool_name, call_count, avg_duration_ms, success_rate,
         tool_sequence, total_cost_usd, error_types)
      select tenant, public.uuid_v7(before.execution_time), before.outcome_id, before.simulation_id, before.execution_time,
        t.tool_name, t.call_count, t.avg_duration_ms, t.success_rate, t.tool_sequence, t.total_cost_usd,
        coalesce(t.error_types, '{}')
      from jsonb_to_recordset(line.set -> 'tools') as t(tool_name text, call_count integer, avg_duration_ms double precision,
        success_rate double precision, tool_sequence jsonb, total_cost_usd numeric, error_types text[]);
    end if;
    if 'failure_patterns' = any (differences) then
      delete from public.failure_patterns p where p.user_id = tenant and p.outcome_id = before.outcome_id;
      insert into public.failure_patterns
        (user_id, pattern_id, outcome_id, simulation_id, execution_time, failure_type, failure_category, error_message,
         signature, recovery_attempted, recovery_successful, resolution_steps)
      select tenant, public.uuid_v7(before.execution_time), before.outcome_id, before.simulation_id, before.execution_time,
        p.failure_type, p.failure_category, p.error_message, p.signature, coalesce(p.recovery_attempted, false),
        coalesce(p.recovery_successful, false), p.resolution_steps
      from jsonb_to_recordset(given) as p(failure_type text, failure_category text, error_message text, signature text,
        recovery_attempted boolean, recovery_successful boolean, resolution_steps text);
    end if;
    if not before.superseded then
      update public.simulations_scenarios run set status = after.status, reliability_score = after.reliability_score
        where run.user_id = tenant and run.simulation_id = before.simulation_id and run.scenario_id = before.scenario_id
          and run.repetition = before.repetition;
    end if;
    insert into public.audit_log (user_id, table_name, operation, actor_id, old_data, new_data, ip_address, user_agent)
      select tenant, 'outcomes', 'UPDATE', public.current_actor_id(),
        store.amended_part(before, differences), store.amended_part(after, differences),
        nullif(split_part(current_setting('app.client_ip', true), '%', 1), '')::inet,
        nullif(current_setting('app.user_agent', true), '');

    effects := effects || jsonb_build_object('simulation_id', before.simulation_id,
      'succeeded', case when before.superseded then 0
        else (after.status = 'success')::integer - (before.status = 'success')::integer end,
      'scored', case when before.superseded then 0
        else (after.reliability_score is not null)::integer - (before.reliability_score is not null)::integer end,
      'score', case when before.superseded then 0
        else coalesce(after.reliability_score::numeric, 0) - coalesce(before.reliability_score::numeric, 0) end,
      'time_ms', after.execution_time_ms::bigint - coalesce(before.execution_time_ms, 0),
      'tokens', after.tokens_used::bigint - coalesce(before.tokens_used, 0),
      'cost_usd', after.cost_usd - coalesce(before.cost_usd, 0));
    return query select line.idx, line.outcome_id, 'AMENDED', null;
  end loop;

  update public.simulations s set
      succeeded_scenarios = s.succeeded_scenarios + e.succeeded,
      failed_scenarios = s.failed_scenarios - e.succeeded,
      scored_scenarios = s.scored_scenarios + e.scored,
      score_sum = s.score_sum + e.score,
      execution_time_ms = coalesce(s.execution_time_ms + e.time_ms, e.time_ms, s.execution_time_ms),
      total_tokens = coalesce(s.total_tokens + e.tokens, e.tokens, s.total_tokens),
      total_cost_usd = coalesce(s.total_cost_usd + e.cost_usd, e.cost_usd, s.total_cost_usd),
      -- One that its caller gave stays.
      overall_score = case when s.overall_score is distinct from s.mean_score or s.status <> 'completed' then s.overall_score
        else round((s.score_sum + e.score) / nullif(s.scored_scenarios + e.scored, 0), 12) end,
      event_seq = s.event_seq + 1
    from (
      select simulation_id, sum(succeeded) as succeeded, sum(scored) as scored, sum(score) as score, sum(time_ms) as time_ms,
        sum(tokens) as tokens, sum(cost_usd) as cost_usd
      from jsonb_to_recordset(to_jsonb(effects)) as x(simulation_id uuid, succeeded integer, scored integer, score numeric,
        time_ms bigint, tokens bigint, cost_usd numeric)
      group by simulation_id
    ) e
    where s.user_id = tenant and s.simulation_id = e.simulation_id;
end $$;

call store.pin_settings();
