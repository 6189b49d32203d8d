/*
What an attempt holds but for its repetition: equal wherever store.outcome_differences finds none. Times and start times that
nobody gave make no difference.
*/
create function store.outcome_hash(
  attempt store.outcomes, tools jsonb, failures jsonb, time_given boolean, start_time_given boolean)
  returns bigint
  language sql stable set search_path = pg_catalog, pg_temp
  return jsonb_hash_extended(
    jsonb_build_array(
      case when time_given then attempt.execution_time end, attempt.status, attempt.reliability_score,
      attempt.execution_time_ms, attempt.tokens_used, attempt.prompt_tokens, attempt.completion_tokens, attempt.cost_usd,
      attempt.model, attempt.modal_call_id, attempt.sandbox_id, attempt.error_code, attempt.error_category, attempt.metrics,
      case when start_time_given then attempt.trajectory else attempt.trajectory - 'start_time' end,
      store.tools_in(tools), store.failures_in(failures)),
    0);

/*
The batch with a repetition for each row that names none: that of the equal outcome which is stored already, so that a
repeated call stores once, whether a later attempt followed or not; else the first that does not have this attempt yet: of a
run that waits for it, or whose attempt before it comes in the same batch; else of one that has none, because many send only
the last of theirs; else of one that went on without it; else of any. Where there is one repetition, it is that, as in a batch
of such simulations only.

What is stored is read once for the batch, and found by its hash: to compare each row with each repetition of its scenario
took 30 seconds for 200 rows.
*/
create or replace function store.with_repetitions(tenant uuid, batch jsonb) returns jsonb
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  line jsonb;
  lines jsonb[] := '{}';
  run text;
  retry integer;
  chosen integer;
  version_model text;
  content text;
  equal jsonb;
  -- Attempts of the batch, as keys.
  taken jsonb := (
    select coalesce(jsonb_object_agg(
      concat_ws('/', l ->> 'simulation_id', l ->> 'scenario_id', l ->> 'repetition', l ->> 'retry_count'), true), '{}')
    from jsonb_array_elements(batch -> 'rows') l where l ->> 'repetition' is not null);
  -- Of each scenario's runs the first repetition that may be free.
  free jsonb := '{}';
  -- Stored attempts by what they hold, each with its repetition.
  stored jsonb := (
    with wanted as materialized (
      select distinct (l ->> 'simulation_id')::uuid as simulation_id, l ->> 'scenario_id' as scenario_id,
        (l ->> 'retry_count')::integer as retry, (l ->> 'time_given')::boolean as time_given,
        (l ->> 'start_time_given')::boolean as start_time_given
      from jsonb_array_elements(batch -> 'rows') l
      where l ->> 'repetition' is null and l ->> 'outcome_id' is null
    ), attempts as (
      select r.repetition, k.outcome_id, k.execution_time,
        concat_ws('/', w.simulation_id, w.scenario_id, w.retry, w.time_given, w.start_time_given,
          store.outcome_hash(o, store.tools_of(tenant, k.outcome_id), store.failures_of(tenant, k.outcome_id),
            w.time_given, w.start_time_given)) as held
      from wanted w
      cross join lateral (
        select a.repetition, a.attempts, a.outcome_id from public.simulations_scenarios a
        where a.user_id = tenant and a.simulation_id = w.simulation_id and a.scenario_id = w.scenario_id
          and a.attempts > w.retry
        offset 0
      ) r
      cross join lateral (
        select c.outcome_id, c.execution_time from store.outcome_keys c
        where c.user_id = tenant and c.outcome_id = case when r.attempts = w.retry + 1 then r.outcome_id
          else store.derived_outcome_id(w.simulation_id, w.scenario_id, r.repetition, w.retry) end
        limit 1
      ) k
      cross join lateral store.outcome_at(tenant, k.outcome_id, k.execution_time) o
      where o.outcome_id is not null
    )
    select coalesce(jsonb_object_agg(a.held, a.found), '{}')
    from (
      select held, jsonb_agg(jsonb_build_object('repetition', repetition, 'outcome_id', outcome_id, 'time', execution_time)
        order by repetition) as found
      from attempts group by held
    ) a);
begin
  for line in select jsonb_array_elements(batch -> 'rows') loop
    if line ->> 'repetition' is null then
      run := concat_ws('/', line ->> 'simulation_id', line ->> 'scenario_id');
      retry := line ->> 'retry_count';
      select s.repetitions into chosen
        from public.simulations s
        where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid and s.repetitions = 1;
      if chosen is null and line ->> 'outcome_id' is not null then
        select o.repetition into chosen
          from store.outcome_keys k
          cross join lateral store.outcome_at(tenant, k.outcome_id, k.execution_time) o
          where k.user_id = tenant and k.outcome_id = (line ->> 'outcome_id')::uuid
            and k.simulation_id = (line ->> 'simulation_id')::uuid and o.scenario_id = line ->> 'scenario_id';
      elsif chosen is null and stored <> '{}' then
        select v.model into version_model
          from public.simulations s
          join public.config_versions v on v.user_id = tenant and v.version_id = s.config_version_id
          where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid;
        content := concat_ws('/', run, retry, (line ->> 'time_given')::boolean, (line ->> 'start_time_given')::boolean,
          store.outcome_hash(store.outcome_in(version_model, line), line -> 'tools', line -> 'failures',
            (line ->> 'time_given')::boolean, (line ->> 'start_time_given')::boolean));
        while chosen is null and jsonb_array_length(stored -> content) > 0 loop
          equal := stored -> content -> 0;
          stored := jsonb_set(stored, array[content], (stored -> content) - 0);
          if not taken ? concat_ws('/', run, equal ->> 'repetition', retry)
            and store.row_differences(tenant, (equal ->> 'time')::timestamptz, version_model,
              line || jsonb_build_object('repetition', equal -> 'repetition', 'outcome_id', equal -> 'outcome_id')) is null
          then
            chosen := equal ->> 'repetition';
            line := line || jsonb_build_object('outcome_id', equal -> 'outcome_id');
          end if;
        end loop;
      end if;
      if chosen is null and retry = 0 then
        -- The most frequent by far: the index has it without a look at all repetitions.
        select r.repetition into chosen
          from public.simulations_scenarios r
          where r.user_id = tenant and r.simulation_id = (line ->> 'simulation_id')::uuid
            and r.scenario_id = line ->> 'scenario_id' and r.attempts = 0
            and r.repetition >= coalesce((free ->> run)::integer, 1)
            and not taken ? concat_ws('/', run, r.repetition, 0)
          order by r.repetition
          limit 1;
        free := free || jsonb_build_object(run, coalesce(chosen + 1, 1000000));
      end if;
      if chosen is null then
        select r.repetition into chosen
          from public.simulations_scenarios r
          cross join lateral (
            select case
              when r.attempts = retry or r.attempts < retry and taken ? concat_ws('/', run, r.repetition, retry - 1) then 1
              when r.attempts = 0 then 2
              when retry = any (r.missed_attempts) then 3
              when r.attempts < retry then 4
            end as preference
          ) p
          where r.user_id = tenant and r.simulation_id = (line ->> 'simulation_id')::uuid
            and r.scenario_id = line ->> 'scenario_id' and p.preference is not null
            and not taken ? concat_ws('/', run, r.repetition, retry)
          order by p.preference, r.repetition
          limit 1;
      end if;
      -- One more than there are: the row is rejected for that.
      chosen := coalesce(chosen, 1 + (
        select s.repetitions from public.simulations s
        where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid), 1);
      line := line || jsonb_build_object('repetition', chosen);
      taken := taken || jsonb_build_object(concat_ws('/', run, chosen, retry), true);
    end if;
    lines := lines || line;
  end loop;
  return batch || jsonb_build_object('rows', to_jsonb(lines));
end $$;
