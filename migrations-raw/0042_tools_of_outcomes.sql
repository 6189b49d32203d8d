-- The tools that an attempt used lie in its row, with which they are read, kept and deleted. As rows of a table of their own, four
-- to an outcome with four indexes each, they took a quarter of the time of storing an outcome, and more than twice its room.
create domain store.tool_name as text check (value is not null and char_length(value) between 1 and 100);
create domain store.call_count as integer check (value is not null and value > 0);
create domain store.call_milliseconds as double precision check (value >= 0);
create domain store.success_rate as double precision check (value is not null and value between 0 and 1);
create domain store.call_cost_usd as numeric check (value >= 0);
create type store.used_tool as (
  tool_name store.tool_name, call_count store.call_count, avg_duration_ms store.call_milliseconds,
  success_rate store.success_rate, tool_sequence jsonb, total_cost_usd store.call_cost_usd, error_types text[]);

-- Null where none was used, and within it where there are no errors.
alter table store.outcomes add column used_tools store.used_tool[];
alter table public.tool_usage no force row level security;
update store.outcomes o set used_tools = t.used_tools
  from (
    select user_id, outcome_id, array_agg(row(tool_name, call_count, avg_duration_ms, success_rate, tool_sequence,
      total_cost_usd, nullif(error_types, '{}'))::store.used_tool order by usage_id) as used_tools
    from public.tool_usage group by user_id, outcome_id
  ) t
  where o.user_id = t.user_id and o.outcome_id = t.outcome_id;

-- From what the server writes, and back to it. The first has no setting of its own, so that it becomes part of the statement.
create function store.used_tools(tools jsonb) returns setof store.used_tool
  language sql stable
  begin atomic
    select t.tool_name::store.tool_name, t.call_count::store.call_count, t.avg_duration_ms::store.call_milliseconds,
      t.success_rate::store.success_rate, t.tool_sequence, t.total_cost_usd::store.call_cost_usd, nullif(t.error_types, '{}')
    from jsonb_to_recordset(tools) as t(tool_name text, call_count integer, avg_duration_ms double precision,
      success_rate double precision, tool_sequence jsonb, total_cost_usd numeric, error_types text[]);
  end;
create function store.tools_of(used store.used_tool[]) returns jsonb
  language sql stable set search_path = pg_catalog, pg_temp
  return (select coalesce(jsonb_agg(to_jsonb(tool)), '[]') from unnest(used) tool);
call store.mend('store.row_differences(uuid,timestamptz,text,jsonb)', $part$store.tools_of(tenant, stored.outcome_id)$part$,
  $mended$store.tools_of(stored.used_tools)$mended$);
call store.mend('store.with_repetitions(uuid,jsonb)', $part$store.tools_of(tenant, k.outcome_id)$part$,
  $mended$store.tools_of(o.used_tools)$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$store.tools_of(tenant, line.outcome_id)$part$,
  $mended$store.tools_of(before.used_tools)$mended$);
drop function store.tools_of(uuid, uuid);
drop table public.tool_usage;

-- A UUIDv7 of the outcome's time, that tells it and the place among its tools.
create function public.tool_usage_id(execution_time timestamptz, outcome_id uuid, place bigint) returns uuid
  language sql immutable parallel safe
  return encode(overlay(uuid_send(outcome_id)
    placing int8send((extract(epoch from execution_time) * 1000)::bigint << 16 | 28672 | place) from 1 for 8), 'hex')::uuid;
-- The time that it was made of: such an id is looked for by the index of that. Before 1970 it has 48 bits of a negative number.
create function public.time_of_uuid(id uuid) returns timestamptz
  language sql immutable parallel safe
  return to_timestamp((('x' || left(encode(uuid_send(id), 'hex'), 12) || '0000')::bit(64)::bigint >> 16) / 1000.0::double precision)
    ::timestamptz(3);
revoke all on function public.tool_usage_id(timestamptz, uuid, bigint), public.time_of_uuid(uuid) from public;
grant execute on function public.tool_usage_id(timestamptz, uuid, bigint), public.time_of_uuid(uuid)
  to app_user, app_readonly, app_admin;

create or replace view public.outcomes with (check_option = cascaded) as
  select user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,
    execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
    error_code, error_category, retry_count, superseded, event_seq, recorded_at, trajectory, metrics,
    trajectory_embedding, embedding_model, step_count, used_tools
  from store.outcomes o
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
create view public.tool_usage as
  select o.user_id, public.tool_usage_id(o.execution_time, o.outcome_id, t.place) as usage_id, o.outcome_id, o.simulation_id,
    o.scenario_id, o.execution_time, o.superseded, t.tool_name::text, t.call_count::integer,
    t.avg_duration_ms::double precision, t.success_rate::double precision, t.tool_sequence, t.total_cost_usd::numeric,
    coalesce(t.error_types, '{}') as error_types, o.recorded_at as created_at
  from store.outcomes o
  cross join lateral unnest(o.used_tools) with ordinality as t(tool_name, call_count, avg_duration_ms, success_rate,
    tool_sequence, total_cost_usd, error_types, place)
  where o.user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
grant select on public.tool_usage to app_user, app_readonly, app_admin;

call store.mend('public.ingest_outcomes(jsonb)', $part$
  used as (
    insert into public.tool_usage
      (user_id, usage_id, outcome_id, simulation_id, execution_time, tool_name, call_count, avg_duration_ms, success_rate,
       tool_sequence, total_cost_usd, error_types)
    select tenant, public.uuid_v7(i.execution_time), i.outcome_id, i.simulation_id, i.execution_time, t.tool_name, t.call_count,
      t.avg_duration_ms, t.success_rate, t.tool_sequence, t.total_cost_usd, coalesce(t.error_types, '{}')
    from fresh f join input i using (idx),
      jsonb_to_recordset(i.tools) as t(tool_name text, call_count integer, avg_duration_ms double precision,
        success_rate double precision, tool_sequence jsonb, total_cost_usd numeric, error_types text[])
  ),$part$, '');
call store.mend('public.ingest_outcomes(jsonb)', $part$superseded, event_seq, trajectory, step_count, metrics)$part$,
  $mended$superseded, event_seq, trajectory, step_count, metrics, used_tools)$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$i.step_count, coalesce(i.metrics, '{}')
    from$part$, $mended$i.step_count, coalesce(i.metrics, '{}'), nullif(array(select tool from store.used_tools(i.tools) tool), '{}')
    from$mended$);

call store.mend('public.amend_outcomes(jsonb)', $part$
      delete from public.tool_usage u where u.user_id = tenant and u.outcome_id = before.outcome_id;
      insert into public.tool_usage
        (user_id, usage_id, outcome_id, simulation_id, execution_time, tool_name, call_count, avg_duration_ms, success_rate,
         tool_sequence, total_cost_usd, error_types)
      select tenant, public.uuid_v7(before.execution_time), before.outcome_id, before.simulation_id, before.execution_time,
        t.tool_name, t.call_count, t.avg_duration_ms, t.success_rate, t.tool_sequence, t.total_cost_usd,
        coalesce(t.error_types, '{}')
      from jsonb_to_recordset(line.set -> 'tools') as t(tool_name text, call_count integer, avg_duration_ms double precision,
        success_rate double precision, tool_sequence jsonb, total_cost_usd numeric, error_types text[]);$part$, $mended$
      after.used_tools := nullif(array(select tool from store.used_tools(line.set -> 'tools') tool), '{}');
      execute format($update$update store.outcomes set used_tools = $1
        where user_id = %L and outcome_id = %L and execution_time = %L$update$, tenant, before.outcome_id, before.execution_time)
        using after.used_tools;$mended$);
call store.mend('store.delete_outcomes_of_keys()', $part$
    delete from public.tool_usage t using deleted d
      where t.user_id = tenant and d.user_id = tenant and t.outcome_id = d.outcome_id;$part$, '');

-- The rows of runs are found once: for what is judged, and for what is written into them.
call store.mend('public.ingest_outcomes(jsonb)', $part$run.attempts as attempts_before, run.missed_attempts, known$part$,
  $mended$run.attempts as attempts_before, run.missed_attempts, run.place, known$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      select r.scenario_id, r.status, r.reliability_score, r.attempts, r.missed_attempts, r.outcome_id
      from$part$, $mended$
      select r.scenario_id, r.status, r.reliability_score, r.attempts, r.missed_attempts, r.outcome_id, r.ctid as place
      from$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$a.attempts_before, a.missed_attempts, a.known_time,$part$,
  $mended$a.attempts_before, a.missed_attempts, a.place, a.known_time,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select f.simulation_id, f.scenario_id, f.repetition, f.retry_count, f.status_before,$part$, $mended$
    select f.simulation_id, f.scenario_id, f.repetition, f.place, f.retry_count, f.status_before,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select f.simulation_id, f.scenario_id, f.repetition, f.attempts_before, f.missed_attempts,$part$, $mended$
    select f.place, f.attempts_before, f.missed_attempts,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    group by f.simulation_id, f.scenario_id, f.repetition, f.attempts_before, f.missed_attempts$part$, $mended$
    group by f.place, f.attempts_before, f.missed_attempts$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select a.simulation_id, a.scenario_id, a.repetition,
      array($part$, $mended$
    select a.place,
      array($mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    select simulation_id, scenario_id, repetition, l.status,$part$, $mended$
    select place, l.status,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    from latest l full join missed m using (simulation_id, scenario_id, repetition)$part$, $mended$
    from latest l full join missed m using (place)$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
    cross join lateral (
      select r.ctid from public.simulations_scenarios r
      where r.user_id = (select tenant) and r.simulation_id = c.simulation_id
        and r.scenario_id = c.scenario_id and r.repetition = c.repetition
      limit 1
    ) place
    where run.user_id = (select tenant) and run.ctid = place.ctid$part$, $mended$
    where run.user_id = (select tenant) and run.ctid = c.place$mended$);

call store.pin_settings();
