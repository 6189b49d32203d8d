-- No row of a batch stands in another's way unless it is stored, and what a caller gave as a result stays.

-- Which columns hold what the caller who completed it gave: amendments of its outcomes change the others only.
alter table public.simulations
  add column result_given text[] not null default '{}'
    check (result_given <@ array['overall_score', 'total_cost_usd', 'execution_time_ms']);
grant update (result_given) on public.simulations to app_user, app_admin, app_ingest;

-- What is there already. Row-level security binds the owner as well.
alter table public.simulations no force row level security;
with summed as (
  select user_id, simulation_id, sum(cost_usd) as cost_usd, sum(execution_time_ms) as execution_time_ms
  from store.outcomes group by 1, 2
)
update public.simulations s set result_given = array_remove(array[
    case when s.overall_score is distinct from s.mean_score then 'overall_score' end,
    case when s.total_cost_usd is distinct from summed.cost_usd then 'total_cost_usd' end,
    case when s.execution_time_ms is distinct from summed.execution_time_ms then 'execution_time_ms' end], null)
  from public.simulations t left join summed on summed.user_id = t.user_id and summed.simulation_id = t.simulation_id
  where s.user_id = t.user_id and s.simulation_id = t.simulation_id and s.status = 'completed';
alter table public.simulations force row level security;

call store.mend('public.amend_outcomes(jsonb)', $part$
      execution_time_ms = coalesce(s.execution_time_ms + e.time_ms, e.time_ms, s.execution_time_ms),
      total_tokens = coalesce(s.total_tokens + e.tokens, e.tokens, s.total_tokens),
      total_cost_usd = coalesce(s.total_cost_usd + e.cost_usd, e.cost_usd, s.total_cost_usd),
      -- One that its caller gave stays.
      overall_score = case when s.overall_score is distinct from s.mean_score or s.status <> 'completed' then s.overall_score$part$,
  $mended$
      -- What its caller gave stays.
      execution_time_ms = case when 'execution_time_ms' = any (s.result_given) then s.execution_time_ms
        else coalesce(s.execution_time_ms + e.time_ms, e.time_ms, s.execution_time_ms) end,
      total_tokens = coalesce(s.total_tokens + e.tokens, e.tokens, s.total_tokens),
      total_cost_usd = case when 'total_cost_usd' = any (s.result_given) then s.total_cost_usd
        else coalesce(s.total_cost_usd + e.cost_usd, e.cost_usd, s.total_cost_usd) end,
      overall_score = case when 'overall_score' = any (s.result_given) or s.status <> 'completed' then s.overall_score$mended$);

-- Two halves that are sent at different times may come to more tokens than are counted.
call store.mend('public.amend_outcomes(jsonb)', $part$
    after := store.amended(before, line.set);$part$, $mended$
    begin
      after := store.amended(before, line.set);
    exception when numeric_value_out_of_range then
      return query select line.idx, line.outcome_id, 'REJECTED', 'INVALID_VALUE';
      continue;
    end;$mended$);

call store.mend('public.ingest_outcomes(jsonb)', $part$
  judged as materialized ($part$, $mended$
  alone as materialized ($mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      min(i.idx) over (partition by i.outcome_id) as first_idx,$part$, '');
call store.mend('public.ingest_outcomes(jsonb)', $part$
        when i.idx > min(i.idx) over (partition by i.outcome_id) then 'DUPLICATE'
        when i.idx > min(i.idx) over (partition by i.simulation_id, i.scenario_id, i.repetition, i.retry_count)
          then 'ATTEMPT_ALREADY_RECORDED'$part$, '');
call store.mend('public.ingest_outcomes(jsonb)', $part$
  keys as (
    insert$part$, $mended$
  -- Behind others of the batch, of which only those count that would be stored: first of their id, then of their attempt.
  identified as (
    select a.*, min(a.idx) over (partition by a.outcome_id, a.verdict) as first_idx from alone a
  ),
  judged as materialized (
    select i.idx, i.outcome_id, i.simulation_id, i.scenario_id, i.repetition, i.retry_count, i.event_seq, i.model,
      i.status_before, i.score_before, i.attempts_before, i.missed_attempts, i.known_time, i.first_idx,
      case
        when i.verdict <> 'STORED' then i.verdict
        when i.idx > i.first_idx then 'DUPLICATE'
        when i.idx > min(i.idx) over (
            partition by i.simulation_id, i.scenario_id, i.repetition, i.retry_count, i.verdict, i.idx = i.first_idx)
          then 'ATTEMPT_ALREADY_RECORDED'
        else i.verdict
      end as verdict
    from identified i
  ),
  keys as (
    insert$mended$);
-- Batches of one simulation wait for each other: a key that somebody took meanwhile is that of another simulation's outcome.
call store.mend('public.ingest_outcomes(jsonb)', $part$
        when j.verdict = 'STORED' and f.idx is null then 'DUPLICATE'$part$, $mended$
        when j.verdict = 'STORED' and f.idx is null then 'OUTCOME_ID_TAKEN'$mended$);

-- The first attempt counts as recorded also where it comes in one batch with later ones.
call store.mend('public.ingest_outcomes(jsonb)', $part$
    where f.retry_count > 0 or f.attempts_before > 0
    group by f.simulation_id, f.scenario_id, f.repetition, f.attempts_before, f.missed_attempts$part$, $mended$
    group by f.simulation_id, f.scenario_id, f.repetition, f.attempts_before, f.missed_attempts
    having max(f.retry_count) > 0 or f.attempts_before > 0$mended$);
alter table public.simulations_scenarios no force row level security;
update public.simulations_scenarios run set missed_attempts = array(
    select attempt from unnest(run.missed_attempts) attempt
    where attempt not in (
      select o.retry_count from store.outcomes o
      where o.user_id = run.user_id and o.simulation_id = run.simulation_id and o.scenario_id = run.scenario_id
        and o.repetition = run.repetition)
    order by 1)
  where run.missed_attempts <> '{}';
alter table public.simulations_scenarios force row level security;

-- How many runs there are is part of each state: that they became more is a step.
drop trigger b_number_event on public.simulations;
create trigger b_number_event before update on public.simulations
  for each row when (
    (old.status, old.total_scenarios, old.succeeded_scenarios, old.failed_scenarios, old.score_sum, old.total_cost_usd,
      old.total_tokens, old.event_seq)
    is distinct from
    (new.status, new.total_scenarios, new.succeeded_scenarios, new.failed_scenarios, new.score_sum, new.total_cost_usd,
      new.total_tokens, new.event_seq))
  execute function store.number_simulation_event();
call store.mend('store.write_simulation_event()', $part$when new.status = 'running' then 'PROGRESS'$part$,
  $mended$when new.status in ('pending', 'running') then 'PROGRESS'$mended$);

-- A simulation that waited began when the first of its outcomes did, which may be long ago.
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select i.simulation_id, sum(i.execution_time_ms) as execution_time_ms, sum(i.tokens_used) as tokens,$part$, $mended$
    select i.simulation_id, min(i.execution_time - make_interval(secs => coalesce(i.execution_time_ms, 0) / 1000.0)) as began,
      sum(i.execution_time_ms) as execution_time_ms, sum(i.tokens_used) as tokens,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$started_at = coalesce(s.started_at, greatest(now(), s.created_at)),$part$,
  $mended$started_at = coalesce(s.started_at, greatest(least(sp.began, now()), s.created_at)),$mended$);

call store.pin_settings();
