insert into store.trajectories (user_id, outcome_id, execution_time, trajectory)
  select user_id, outcome_id, execution_time, trajectory from store.outcomes;

-- The version that ran: sums by version join nothing, and a job that acts for no tenant could not read whose simulation it was.
alter table store.outcomes add column config_version_id uuid;
alter table public.simulations no force row level security;
update store.outcomes o set config_version_id = s.config_version_id
  from public.simulations s where s.user_id = o.user_id and s.simulation_id = o.simulation_id;
alter table public.simulations force row level security;
alter table store.outcomes alter column config_version_id set not null;

-- An id comes once by outcome_keys. A second unique index would have each late row look into the batches that are packed.
alter table store.outcomes drop constraint outcomes_pkey;
create index outcomes_outcome on store.outcomes (user_id, outcome_id);

/*
Trajectories of outcomes, in any order. With literals the planner sees the chunks and batches of those times; joined, it would plan
all of them. It is asked for outcomes that were read from the view, which hides what is deleted.
*/
create function public.outcome_trajectories(outcome_ids uuid[], execution_times timestamptz[])
  returns table (outcome_id uuid, trajectory jsonb)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp rows 100 as $$
begin
  return query execute format('select outcome_id, trajectory from store.trajectories
      where user_id = %L and outcome_id = any (%L::uuid[]) and execution_time = any (%L::timestamptz[])',
    public.current_user_id(), outcome_ids, execution_times);
end $$;

-- `trajectory_embedding` was never filled: where it lies a packed chunk has no
-- index for it, and does not pack it.
drop view public.outcomes;
create view public.outcomes with (check_option = cascaded) as
  select user_id, outcome_id, simulation_id, config_version_id, scenario_id, repetition, execution_time, status, reliability_score,
    execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
    error_code, error_category, retry_count, superseded, event_seq, recorded_at, metrics, step_count, used_tools
  from store.outcomes o
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
grant select on public.outcomes to app_user, app_readonly, app_admin;
revoke execute on function public.outcome_trajectories(uuid[], timestamptz[]) from public;
grant execute on function public.outcome_trajectories(uuid[], timestamptz[]) to app_user, app_readonly, app_admin;

-- An outcome with its trajectory: what comes in, is compared with what is there, and is amended.
create view store.whole_outcomes as
  select o.user_id, o.outcome_id, o.simulation_id, o.scenario_id, o.repetition, o.execution_time, o.status, o.reliability_score,
    o.execution_time_ms, o.tokens_used, o.prompt_tokens, o.completion_tokens, o.cost_usd, o.model, o.modal_call_id, o.sandbox_id,
    o.error_code, o.error_category, o.retry_count, o.superseded, o.event_seq, o.metrics, o.step_count, o.used_tools, t.trajectory
  from store.outcomes o
  join store.trajectories t
    on t.user_id = o.user_id and t.outcome_id = o.outcome_id and t.execution_time = o.execution_time;
do $$
declare
  routine regprocedure;
  source text;
begin
  foreach routine in array array[
    'store.outcome_at(uuid,uuid,timestamptz)', 'store.outcome_in(text,jsonb)', 'store.amended(store.outcomes,jsonb)',
    'store.amended_part(store.outcomes,text[])', 'store.outcome_hash(store.outcomes,jsonb,jsonb,boolean,boolean)',
    'store.outcome_differences(store.outcomes,store.outcomes,jsonb,jsonb,jsonb,jsonb,boolean,boolean)',
    'store.row_differences(uuid,timestamptz,text,jsonb)']::regprocedure[]
  loop
    source := replace(pg_get_functiondef(routine), 'store.outcomes', 'store.whole_outcomes');
    execute format('drop function %s', routine);
    execute source;
  end loop;
end $$;

call store.mend('public.ingest_outcomes(jsonb)', $part$
    select s.simulation_id, s.status, s.event_seq, s.scenario_set, s.max_retries, v.model$part$, $mended$
    select s.simulation_id, s.config_version_id, s.status, s.event_seq, s.scenario_set, s.max_retries, v.model$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      s.event_seq + 1 as event_seq, s.model, run.status$part$, $mended$
      s.event_seq + 1 as event_seq, s.config_version_id, s.model, run.status$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$a.retry_count, a.event_seq, a.model,$part$,
  $mended$a.retry_count, a.event_seq, a.config_version_id, a.model,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      (user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,$part$, $mended$
      (user_id, outcome_id, simulation_id, config_version_id, scenario_id, repetition, execution_time, status, reliability_score,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$superseded, event_seq, trajectory, step_count, metrics, used_tools)
    select tenant, i.outcome_id, i.simulation_id, i.scenario_id,$part$, $mended$superseded, event_seq, step_count, metrics, used_tools)
    select tenant, i.outcome_id, i.simulation_id, f.config_version_id, i.scenario_id,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$f.event_seq, i.trajectory, i.step_count,$part$, $mended$f.event_seq, i.step_count,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
  went_wrong as ($part$, $mended$
  went as (
    insert into store.trajectories (user_id, outcome_id, execution_time, trajectory)
    select tenant, i.outcome_id, i.execution_time, i.trajectory
    from fresh f join input i using (idx)
  ),
  went_wrong as ($mended$);

call store.mend('public.amend_outcomes(jsonb)', $part$
  before store.outcomes;
  after store.outcomes;$part$, $mended$
  before store.whole_outcomes;
  after store.whole_outcomes;$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$
      execute format($update$update store.outcomes set trajectory = $1, step_count = $2, trajectory_embedding = null,
          embedding_model = null
        where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
        using after.trajectory, after.step_count;$part$, $mended$
      execute format($update$update store.trajectories set trajectory = $1
        where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
        using after.trajectory;
      execute format($update$update store.outcomes set step_count = $1
        where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
        using after.step_count;$mended$);
alter table store.outcomes drop column trajectory, drop column trajectory_embedding, drop column embedding_model;

/*
The outcomes of keys that went. Literals and ranges: of what is packed only the batches of that time are unpacked, where a join
unpacks all that the tenant has. So each range has keys of one time, a thousand at most.
*/
create or replace function store.delete_outcomes_of_keys() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  -- Of what a transaction may unpack. Whoever deletes says how much goes at a time.
  unpacking constant text := 'timescaledb.max_tuples_decompressed_per_dml_transaction';
  most constant text := current_setting(unpacking, true);
  part record;
  name text;
begin
  if most is not null then
    perform set_config(unpacking, '0', true);
  end if;
  for part in
    select n.user_id, min(n.execution_time) as first, max(n.execution_time) as last, array_agg(n.outcome_id) as ids
    from (
      select l.user_id, l.outcome_id, l.execution_time, l.place / 1000 as thousand,
        count(*) filter (where l.is_later) over (partition by l.user_id order by l.place) as time
      from (
        select d.user_id, d.outcome_id, d.execution_time,
          row_number() over by_time as place,
          d.execution_time - lag(d.execution_time) over by_time > interval '10 minutes' as is_later
        from deleted d window by_time as (partition by d.user_id order by d.execution_time)
      ) l
    ) n
    group by n.user_id, n.time, n.thousand
  loop
    -- Row-level security binds the tables' owner as well, and whoever deletes a simulation may act for no tenant.
    perform set_config('app.user_id', part.user_id::text, true);
    foreach name in array array['outcomes', 'trajectories'] loop
      execute format('delete from store.%I where user_id = %L and execution_time between %L and %L and outcome_id = any (%L::uuid[])',
        name, part.user_id, part.first, part.last, part.ids);
    end loop;
    delete from public.failure_patterns p where p.user_id = part.user_id and p.outcome_id = any (part.ids);
  end loop;
  perform set_config('app.user_id', asking, true);
  if most is not null then
    perform set_config(unpacking, most, true);
  end if;
  return null;
end $$;

call store.pin_settings();
