-- How many steps or messages a trajectory has, 0 without a list of them: a trajectory of 30 MB takes 0.1 s to unpack. The server
-- says it; the default is for the rows that only make chunks.
alter table store.outcomes add column step_count integer;
update store.outcomes o set step_count = coalesce((
    select jsonb_array_length(list)
    -- `||`, so that it is unpacked once.
    from (select o.trajectory || '{}' as trajectory offset 0) unpacked
    cross join lateral unnest(array[trajectory -> 'messages', trajectory -> 'steps', trajectory -> 'traj',
      trajectory -> 'full_trajectory', trajectory -> 'trajectory']) with ordinality as lists(list, place)
    where jsonb_typeof(list) = 'array' order by place limit 1), 0);
alter table store.outcomes alter column step_count set default 0, alter column step_count set not null,
  add check (step_count >= 0);

create or replace view public.outcomes with (check_option = cascaded) as
  select user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,
    execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
    error_code, error_category, retry_count, superseded, event_seq, recorded_at, trajectory, metrics,
    trajectory_embedding, embedding_model, step_count
  from store.outcomes o
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;

call store.mend('public.ingest_outcomes(jsonb)', $part$x.trajectory, x.metrics,$part$, $mended$x.trajectory, x.step_count, x.metrics,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$trajectory jsonb, metrics jsonb,$part$,
  $mended$trajectory jsonb, step_count integer, metrics jsonb,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
       error_code, error_category, retry_count, superseded, event_seq, trajectory, metrics)$part$, $mended$
       error_code, error_category, retry_count, superseded, event_seq, trajectory, step_count, metrics)$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      f.superseded, f.event_seq, i.trajectory, coalesce(i.metrics, '{}')$part$, $mended$
      f.superseded, f.event_seq, i.trajectory, i.step_count, coalesce(i.metrics, '{}')$mended$);

-- A run that went on has a longer trajectory: an amendment puts it in the place of what was known of it.
call store.mend('store.amended(store.outcomes,jsonb)', $part$
  return after;$part$, $mended$
  if set ? 'added_metrics' then
    after.metrics := after.metrics || (set -> 'added_metrics');
  end if;
  if set ? 'trajectory' then
    after.trajectory := jsonb_build_object('start_time', before.trajectory -> 'start_time', 'status', after.status)
      || (set -> 'trajectory');
  end if;
  return after;$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$
    select a.idx, a.outcome_id, a.set, k.execution_time,$part$, $mended$
    select a.idx, a.outcome_id, a.set, a.grows, k.execution_time,$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$as a(idx integer, outcome_id uuid, set jsonb)$part$,
  $mended$as a(idx integer, outcome_id uuid, set jsonb, grows boolean)$mended$);
-- What goes on has more steps and not fewer: an older copy of it takes nothing back.
call store.mend('public.amend_outcomes(jsonb)', $part$
    if differences is null then$part$, $mended$
    if differences is null or line.grows and after.step_count < before.step_count then$mended$);
-- By itself: whatever else is amended, megabytes are not written anew. A vector that was made of the one before is none of this.
call store.mend('public.amend_outcomes(jsonb)', $part$
    if 'tool_usage' = any (differences) then$part$, $mended$
    if 'trajectory' = any (differences) then
      execute format($update$update store.outcomes set trajectory = $1, step_count = $2, trajectory_embedding = null,
          embedding_model = null
        where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
        using after.trajectory, after.step_count;
    end if;
    if 'tool_usage' = any (differences) then$mended$);
-- The audit log outlives outcomes, and has no trajectories: it tells which one it was.
create or replace function store.amended_part(amended store.outcomes, fields text[]) returns jsonb
  language sql immutable set search_path = pg_catalog, pg_temp
  return (
    select jsonb_object_agg(key, value)
    from jsonb_each(to_jsonb(amended) - array['trajectory', 'trajectory_embedding'])
    where key in ('outcome_id', 'simulation_id', 'scenario_id', 'repetition', 'retry_count') or key = any (fields))
  || case when 'trajectory' = any (fields)
    then jsonb_build_object('step_count', (amended).step_count,
      'trajectory_sha256', encode(sha256(convert_to((amended).trajectory::text, 'UTF8')), 'hex'))
    else '{}' end;

call store.pin_settings();
