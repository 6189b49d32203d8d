/*
Stores a batch of outcomes for the tenant of this transaction.

batch: {"simulation_ids": [uuid, …], "rows": [{"idx": 0, "outcome_id": …, …, "tools": […], "failures": […]}, …]}, rows
validated and normalised by the server. Answers one line a row: its receipt (STORED, DUPLICATE, REJECTED) and for a
rejected one the code. All in one transaction: keys, outcomes, tool usage, failure patterns, the runs of the simulation,
its counters, and through the trigger on simulations one event and one NOTIFY for each simulation.
*/
create function public.ingest_outcomes(batch jsonb)
  returns table (idx integer, outcome_id uuid, receipt text, code text)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  tenant constant uuid := public.current_user_id();
begin
  if tenant is null then
    raise insufficient_privilege using message = 'no tenant is set for this transaction';
  end if;

  -- The lock orders batches of one simulation (its counters, its event numbers, its runs), and the statement below
  -- sees all that the batch before it did. Sorted, so that two batches over the same simulations can't deadlock.
  perform from public.simulations s
    where s.user_id = (select tenant)
      and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid)
    order by s.simulation_id
    for no key update;

  -- (select tenant), because the planner must not know whose rows these are: where its statistics list the tenants, one
  -- who came after them seems to have no rows, and any index that begins with user_id as good as the right one.
  return query
  with
  input as materialized (
    select x.*
    from jsonb_to_recordset(batch -> 'rows') as x(
      idx integer, outcome_id uuid, simulation_id uuid, scenario_id text, repetition integer, execution_time timestamptz(3),
      status text, reliability_score double precision, execution_time_ms integer, tokens_used integer,
      prompt_tokens integer, completion_tokens integer, cost_usd numeric(12, 6), trajectory jsonb, metrics jsonb,
      model text, modal_call_id text, sandbox_id text, error_code text, error_category text, retry_count integer,
      tools jsonb, failures jsonb)
  ),
  -- Read once, not for each row: a simulation's row has a dead version for each of its latest batches.
  target as materialized (
    select s.simulation_id, s.status, s.event_seq, s.scenario_set
    from public.simulations s
    where s.user_id = (select tenant)
      and s.simulation_id = any (array(select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid))
  ),
  judged as materialized (
    select i.idx, i.outcome_id, i.simulation_id, i.scenario_id, i.repetition, i.retry_count,
      s.event_seq + 1 as event_seq, run.status as status_before, run.outcome_id as outcome_before,
      case
        when s.simulation_id is null then 'SIMULATION_NOT_FOUND'
        when known.simulation_id <> i.simulation_id then 'OUTCOME_ID_TAKEN'
        when known.outcome_id is not null
          or row_number() over (partition by i.outcome_id order by i.idx) > 1 then 'DUPLICATE'
        when s.status not in ('pending', 'running') then 'SIMULATION_ENDED'
        when run.scenario_id is null then
          case
            when i.scenario_id = any (s.scenario_set) then 'REPETITION_OUT_OF_RANGE'
            when exists (select from public.scenarios c where c.user_id = (select tenant) and c.scenario_id = i.scenario_id)
              then 'SCENARIO_NOT_IN_SIMULATION'
            else 'SCENARIO_NOT_FOUND'
          end
        when i.retry_count < run.attempts
          or row_number() over (
            partition by i.simulation_id, i.scenario_id, i.repetition, i.retry_count order by i.idx) > 1
          then 'ATTEMPT_ALREADY_RECORDED'
        when i.execution_time > clock_timestamp() + interval '5 minutes' then 'TIME_IN_FUTURE'
        when i.execution_time < (select store.retention_start()) then 'TIME_BEFORE_RETENTION'
        else 'STORED'
      end as verdict
    from input i
    left join target s on s.simulation_id = i.simulation_id
    -- LIMIT makes each of these, and of those below, one look into the index per row. As a plain join it reads the whole
    -- table where statistics are old or, as in the embedded database, never made.
    left join lateral (
      select r.scenario_id, r.status, r.outcome_id, r.attempts
      from public.simulations_scenarios r
      where r.user_id = (select tenant) and r.simulation_id = i.simulation_id
        and r.scenario_id = i.scenario_id and r.repetition = i.repetition
      limit 1
    ) run on true
    left join lateral (
      select k.outcome_id, k.simulation_id
      from store.outcome_keys k
      where k.user_id = (select tenant) and k.outcome_id = i.outcome_id
      limit 1
    ) known on true
  ),
  keys as (
    insert into store.outcome_keys (user_id, outcome_id, simulation_id, execution_time)
    select tenant, i.outcome_id, i.simulation_id, i.execution_time
    from judged j join input i using (idx)
    where j.verdict = 'STORED'
    on conflict do nothing
    returning outcome_id
  ),
  fresh as materialized (
    -- As a test of each row it is hashed; as a join it is compared pair by pair, 1,000 rows with 1,000.
    select j.* from judged j
    where j.verdict = 'STORED' and (j.outcome_id in (select k.outcome_id from keys k)) is true
  ),
  stored as (
    insert into store.outcomes
      (user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,
       execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
       error_code, error_category, retry_count, event_seq, trajectory, metrics)
    select tenant, i.outcome_id, i.simulation_id, i.scenario_id, i.repetition, i.execution_time, i.status,
      i.reliability_score, i.execution_time_ms, i.tokens_used, i.prompt_tokens, i.completion_tokens, i.cost_usd, i.model,
      i.modal_call_id, i.sandbox_id, i.error_code, i.error_category, i.retry_count, f.event_seq, i.trajectory,
      coalesce(i.metrics, '{}')
    from fresh f join input i using (idx)
  ),
  used as (
    insert into public.tool_usage
      (user_id, usage_id, outcome_id, simulation_id, execution_time, tool_name, call_count, avg_duration_ms, success_rate,
       tool_sequence, total_cost_usd, error_types)
    select tenant, public.uuid_v7(i.execution_time), i.outcome_id, i.simulation_id, i.execution_time, t.tool_name, t.call_count,
      t.avg_duration_ms, t.success_rate, t.tool_sequence, t.total_cost_usd, coalesce(t.error_types, '{}')
    from fresh f join input i using (idx),
      jsonb_to_recordset(i.tools) as t(tool_name text, call_count integer, avg_duration_ms double precision,
        success_rate double precision, tool_sequence jsonb, total_cost_usd numeric, error_types text[])
  ),
  went_wrong as (
    insert into public.failure_patterns
      (user_id, pattern_id, outcome_id, simulation_id, execution_time, failure_type, failure_category, error_message, signature,
       recovery_attempted, recovery_successful, resolution_steps)
    select tenant, public.uuid_v7(i.execution_time), i.outcome_id, i.simulation_id, i.execution_time, p.failure_type, p.failure_category, p.error_message,
      p.signature, coalesce(p.recovery_attempted, false), coalesce(p.recovery_successful, false), p.resolution_steps
    from fresh f join input i using (idx),
      jsonb_to_recordset(i.failures) as p(failure_type text, failure_category text, error_message text, signature text,
        recovery_attempted boolean, recovery_successful boolean, resolution_steps text)
  ),
  -- Where a batch holds several attempts of one run, the last one is what the run shows and the counters count.
  latest as materialized (
    select distinct on (f.simulation_id, f.scenario_id, f.repetition)
      f.simulation_id, f.scenario_id, f.repetition, f.retry_count, f.status_before, f.outcome_before,
      i.outcome_id, i.status, i.reliability_score, i.execution_time, i.execution_time_ms, i.modal_call_id
    from fresh f join input i using (idx)
    order by f.simulation_id, f.scenario_id, f.repetition, f.retry_count desc
  ),
  runs as (
    update public.simulations_scenarios run
    set status = l.status, attempts = l.retry_count + 1, outcome_id = l.outcome_id,
      modal_call_id = coalesce(l.modal_call_id, run.modal_call_id), completed_at = l.execution_time,
      started_at = l.execution_time - make_interval(secs => coalesce(l.execution_time_ms, 0) / 1000.0)
    from latest l
    where run.user_id = (select tenant) and run.simulation_id = l.simulation_id and run.scenario_id = l.scenario_id
      and run.repetition = l.repetition
  ),
  counted as (
    select l.simulation_id,
      count(*) filter (where l.status = 'success')
        - count(*) filter (where l.status_before = 'success') as completed,
      count(*) filter (where l.status <> 'success')
        - count(*) filter (where l.status_before in ('error', 'timeout', 'cancelled')) as failed,
      count(l.reliability_score) - count(b.reliability_score) as scored,
      coalesce(sum(l.reliability_score), 0) - coalesce(sum(b.reliability_score), 0) as score
    from latest l
    left join lateral (
      select o.reliability_score
      from store.outcome_keys k
      join store.outcomes o
        on o.user_id = (select tenant) and o.outcome_id = k.outcome_id and o.execution_time = k.execution_time
      where k.user_id = (select tenant) and k.outcome_id = l.outcome_before
      limit 1
    ) b on true
    group by l.simulation_id
  ),
  spent as (
    select i.simulation_id, coalesce(sum(i.execution_time_ms), 0) as execution_time_ms,
      coalesce(sum(i.tokens_used), 0) as tokens, coalesce(sum(i.cost_usd), 0) as cost_usd
    from fresh f join input i using (idx)
    group by i.simulation_id
  ),
  progressed as (
    update public.simulations s
    set status = 'running', started_at = coalesce(s.started_at, greatest(now(), s.created_at)),
      completed_scenarios = s.completed_scenarios + c.completed,
      failed_scenarios = s.failed_scenarios + c.failed,
      scored_scenarios = s.scored_scenarios + c.scored,
      score_sum = s.score_sum + c.score,
      execution_time_ms = s.execution_time_ms + sp.execution_time_ms,
      total_tokens = s.total_tokens + sp.tokens,
      total_cost_usd = s.total_cost_usd + sp.cost_usd,
      -- A later attempt may leave all figures as they were, and is an event all the same.
      event_seq = s.event_seq + 1
    from counted c join spent sp using (simulation_id)
    where s.user_id = (select tenant) and s.simulation_id = c.simulation_id
  )
  select j.idx, j.outcome_id,
    case
      when j.verdict = 'DUPLICATE' or (j.verdict = 'STORED' and f.idx is null) then 'DUPLICATE'
      when j.verdict = 'STORED' then 'STORED'
      else 'REJECTED'
    end,
    case when j.verdict not in ('STORED', 'DUPLICATE') then j.verdict end
  from judged j left join fresh f using (idx)
  order by j.idx;
end $$;

revoke execute on function public.ingest_outcomes(jsonb), public.prepare_outcome_storage() from public;
grant execute on function public.prepare_outcome_storage() to app_user;
grant execute on function public.ingest_outcomes(jsonb) to app_user, app_admin;
