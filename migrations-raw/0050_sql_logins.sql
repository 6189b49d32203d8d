-- run as: login
-- People with SQL of their own. Whatever a session of theirs sets, session_user stays the login that it began with, and a
-- table says whose that is. They read the views of schema analytics and nothing else.
do $$
declare
  name text;
begin
  -- arc_analytics owns the views, app_analyst reads them. Not arc_owner: the policies that bind a login would bind Arc's own functions.
  foreach name in array array['arc_analytics', 'app_analyst'] loop
    begin
      if not exists (select from pg_roles where rolname = name) then
        execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', name);
      end if;
    exception when duplicate_object or unique_violation then null; -- another database's migration was faster
    end;
  end loop;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    begin
      execute format('grant arc_analytics to %I', current_user);
    exception when insufficient_privilege then null; -- another login made the roles: it has to grant this one
    end;
  end if;
end $$;

create schema analytics authorization arc_analytics;
grant usage on schema public to arc_analytics;

set local role arc_owner;

create table store.sql_logins (
  login name primary key,
  user_id uuid not null,
  -- A session can lift its own statement_timeout: see end_long_sql.
  statement_seconds integer not null check (statement_seconds between 1 and 86400),
  created_by text default public.current_actor_id(),
  created_at timestamptz(3) not null default now(),
  password_set_at timestamptz(3) not null default now()
);
create index sql_logins_tenant on store.sql_logins (user_id);
create trigger audit after insert or update or delete on store.sql_logins for each row execute function store.audit();

grant usage on schema store to arc_analytics;
grant select (login, user_id) on store.sql_logins to arc_analytics;
grant select on store.outcomes, store.trajectories, store.outcome_hours, store.outcome_days, store.scenario_days, store.metric_days,
  store.tool_days, public.deletions, public.configurations, public.config_versions, public.scenarios,
  public.simulations, public.simulations_scenarios, public.failure_patterns to arc_analytics;

-- Twice, here and in the views: whoever forgets it in a view of a table shows nothing of others. Restrictive, because the
-- policy of the service is for everybody, and lets through what app.user_id says.
do $$
declare
  name text;
begin
  foreach name in array array['deletions', 'configurations', 'config_versions', 'scenarios', 'simulations',
    'simulations_scenarios', 'failure_patterns'] loop
    execute format('create policy analysts_read on public.%I for select to arc_analytics using (true)', name);
    execute format($policy$create policy bound_login on public.%I as restrictive for select to arc_analytics
      using (user_id = (select l.user_id from store.sql_logins l where l.login = session_user))$policy$, name);
  end loop;
  foreach name in array array['config_versions', 'scenarios', 'simulations_scenarios', 'failure_patterns'] loop
    execute format('alter policy not_deleted on public.%I to app_user, app_readonly, app_admin, app_ingest, arc_analytics', name);
  end loop;
end $$;

/*
Ends the sessions of analysts whose transaction is older than their statements may be, and answers how many: a session sets
its own statement_timeout as it likes. Five seconds later than that, which says better what happened. Arc makes arc_owner a
member of these logins, or it could not.
*/
create function public.end_long_sql() returns integer
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  select (count(*) filter (where pg_terminate_backend(a.pid)))::integer
  from pg_stat_activity a join store.sql_logins l on l.login = a.usename
  where a.datname = current_database() and a.leader_pid is null
    and a.xact_start < clock_timestamp() - make_interval(secs => l.statement_seconds + 5)
$$;
revoke execute on function public.end_long_sql() from public;
grant execute on function public.end_long_sql() to app_user;

-- A job while there is such a login, so that an idle server without one stays idle.
create function store.watch_long_sql() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.jobs (name, every)
    select 'end_long_sql', interval '30 seconds' where exists (select from store.sql_logins) on conflict do nothing;
  delete from store.jobs where name = 'end_long_sql' and not exists (select from store.sql_logins);
  return null;
end $$;
revoke execute on function store.watch_long_sql() from public;
create trigger watch_long_sql after insert or delete on store.sql_logins
  for each statement execute function store.watch_long_sql();

-- Every role may LISTEN and NOTIFY. Who does not know the channel hears of no simulation, and sends the servers after none.
alter table store.settings add column event_channel text not null
  default 'arc_events_' || replace(gen_random_uuid()::text, '-', '') check (event_channel ~ '^arc_events_[0-9a-f]{32}$');
create function public.event_channel() returns text
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (select event_channel from store.settings);
revoke execute on function public.event_channel() from public;
grant execute on function public.event_channel() to app_user;
call store.mend('store.write_simulation_event()', $part$pg_notify('arc_events', $part$,
  $mended$pg_notify((select event_channel from store.settings), $mended$);

/*
What PostgreSQL and TimescaleDB let every role call, and what would reach beyond reading: large objects and messages in the
WAL fill the disk, advisory locks stop Arc's own work, jobs run without a connection.
*/
create function store.public_powers() returns table (routine regprocedure, for_service boolean)
  language sql stable set search_path = pg_catalog, pg_temp
  begin atomic
    select p.oid::regprocedure, p.proname ~ 'advisory'
    from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and (
        p.proname in ('lo_create', 'lo_creat', 'lo_from_bytea', 'lo_put', 'lo_truncate', 'lo_truncate64', 'lo_unlink', 'lowrite',
          'pg_logical_emit_message')
        or p.proname ~ '^pg_(try_)?advisory_')
      or p.provolatile = 'v' and p.proname ~ '(^|_)(job|policy|background_workers|restore|merge_chunks)(_|$)'
        and exists (select from pg_depend d join pg_extension e on e.oid = d.refobjid
          where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            and d.refclassid = 'pg_extension'::regclass and e.extname = 'timescaledb');
  end;

/*
Takes them from everybody but the service and the owner, as the login that calls it: only a superuser may take those of
PostgreSQL. Called when the first login is made, so a database without any stays as PostgreSQL made it.
*/
create procedure store.revoke_public_powers() language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  power record;
begin
  for power in select routine, for_service from store.public_powers() loop
    begin
      execute format('revoke execute on routine %s from public', power.routine);
      execute format('grant execute on routine %s to arc_owner', power.routine);
      if power.for_service then
        execute format('grant execute on routine %s to app_user, app_readonly, app_admin, app_ingest', power.routine);
      end if;
    exception when insufficient_privilege then null; -- sql-login says what is left
    end;
  end loop;
end $$;
revoke all on procedure store.revoke_public_powers() from public;
revoke all on function store.public_powers() from public;

call store.pin_settings();

set local role arc_analytics;

/*
Each view of this schema is a barrier, filters by the login's tenant, and leaves out what is deleted; a later one looks like
these, owner and grant as well (test/tenancy/sqlLogins.test.ts holds them to it). Texts that a person chose have '' behind
them: the planner would estimate a condition on the column by statistics of all tenants' rows, and EXPLAIN would tell which
texts others have; of an expression it has none. That costs the indexes on them. The tenant is no column for the same reason.
*/
create view analytics.outcomes with (security_barrier) as
  select outcome_id, simulation_id, scenario_id || '' as scenario_id, repetition, execution_time, status,
    reliability_score, execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd,
    model || '' as model, modal_call_id || '' as modal_call_id, sandbox_id || '' as sandbox_id,
    error_code || '' as error_code, error_category, retry_count, superseded, step_count, metrics, recorded_at
  from store.outcomes o
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
comment on view analytics.outcomes is
  'Every attempt at a scenario run that ended. An attempt that a later one replaced is superseded: count runs with "not superseded", and costs over all. Times in milliseconds, costs in US dollars, scores from 0 to 1; null is unknown, not 0.';

create view analytics.trajectories with (security_barrier) as
  select o.outcome_id, o.simulation_id, o.execution_time, t.trajectory
  from store.outcomes o
  join store.trajectories t
    on t.user_id = o.user_id and t.outcome_id = o.outcome_id and t.execution_time = o.execution_time
  where o.user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
comment on view analytics.trajectories is
  'What the agent did, as JSON, for each row of outcomes. Large: name a time or an outcome.';

create view analytics.tool_usage with (security_barrier) as
  select o.outcome_id, o.simulation_id, o.scenario_id || '' as scenario_id, o.execution_time, o.superseded,
    t.tool_name || '' as tool_name, t.call_count::integer as call_count,
    t.avg_duration_ms::double precision as avg_duration_ms, t.success_rate::double precision as success_rate, t.tool_sequence,
    t.total_cost_usd::numeric as total_cost_usd, coalesce(t.error_types, '{}') as error_types
  from store.outcomes o
  cross join lateral unnest(o.used_tools) as t
  where o.user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
comment on view analytics.tool_usage is
  'One row for each tool that an attempt used: calls, mean duration in milliseconds, share of calls that succeeded.';

create view analytics.failure_patterns with (security_barrier) as
  select pattern_id, outcome_id, simulation_id, execution_time, failure_type || '' as failure_type, failure_category,
    error_message || '' as error_message, signature || '' as signature, recovery_attempted, recovery_successful,
    similar_failures, resolution_steps || '' as resolution_steps, created_at
  from public.failure_patterns f
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.failure_patterns is
  'The failures of attempts. Equal signatures are one failure: its message without ids, numbers and paths.';

create view analytics.simulations with (security_barrier) as
  select simulation_id, config_version_id, simulation_name || '' as simulation_name,
    description || '' as description, tags, scenario_set, repetitions, status, modal_app_id || '' as modal_app_id,
    modal_environment || '' as modal_environment, sandbox_instances, total_scenarios, completed_scenarios,
    succeeded_scenarios, failed_scenarios, scored_scenarios, mean_score, overall_score, execution_time_ms, total_tokens,
    total_cost_usd, metadata, timeout_ms, max_retries, priority, error_message || '' as error_message, created_at,
    started_at, completed_at
  from public.simulations s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.simulations is
  'One configuration version over a set of scenarios. Counts are of runs, each by its last attempt; tokens, costs and times are of all attempts.';

create view analytics.simulations_scenarios with (security_barrier) as
  select simulation_id, scenario_id || '' as scenario_id, repetition, execution_order, status, attempts, outcome_id,
    reliability_score, started_at, completed_at
  from public.simulations_scenarios r
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.simulations_scenarios is
  'The runs of a simulation, planned and ended, with the outcome of the last attempt.';

create view analytics.scenarios with (security_barrier) as
  select scenario_id || '' as scenario_id, external_id || '' as external_id, source || '' as source,
    name || '' as name, task_prompt || '' as task_prompt, ground_truth, difficulty_level, tags, expected_tools,
    is_active, estimated_duration_ms, metadata, revision, created_at, updated_at
  from public.scenarios s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.scenarios is 'What agents are asked to do, in the latest revision.';

create view analytics.configurations with (security_barrier) as
  select config_id, name || '' as name, description || '' as description, tags, latest_version_id,
    modal_app_id || '' as modal_app_id, is_active, created_at, updated_at
  from public.configurations c
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.configurations is 'Agents, whose YAML is in config_versions.';

create view analytics.config_versions with (security_barrier) as
  select version_id, config_id, version_number, model || '' as model, temperature, raw_yaml || '' as raw_yaml,
    parsed_config, config_hash || '' as config_hash, warnings, generated_by, is_deleted, created_at
  from public.config_versions v
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.config_versions is 'The versions of configurations; simulations.config_version_id names one.';

-- The roll-ups: sums that add up, over any rows. Attempts by their name; all other counts are of runs, each by its last attempt.
create view analytics.outcome_hours with (security_barrier) as
  select bucket, config_version_id, simulation_id, nullif(model, '') || '' as model, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens,
    prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.outcome_hours s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = s.user_id and d.simulation_id = s.simulation_id)) is true;
comment on view analytics.outcome_hours is
  'What ended in each hour (UTC), by simulation and model. Means are score_sum / scored and duration_ms / timed; costs and tokens are of all attempts. Seconds behind, see docs/guides/sql-for-analysts.md.';

create view analytics.outcome_days with (security_barrier) as
  select bucket, config_version_id, nullif(model, '') || '' as model, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens,
    prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.outcome_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.outcome_days is
  'What ended on each day (UTC), by configuration version and model: for questions over months.';

create view analytics.scenario_days with (security_barrier) as
  select bucket, config_version_id, scenario_id || '' as scenario_id, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens,
    prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.scenario_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.scenario_days is
  'What ended on each day (UTC), by scenario and configuration version.';

create view analytics.metric_days with (security_barrier) as
  select bucket, config_version_id, simulation_id, metric || '' as metric, runs, total, squares
  from store.metric_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = s.user_id and d.simulation_id = s.simulation_id)) is true;
comment on view analytics.metric_days is
  'The numbers among the metrics of runs, on each day (UTC): the mean is total / runs.';

create view analytics.tool_days with (security_barrier) as
  select bucket, config_version_id, simulation_id, tool_name || '' as tool_name, attempts, runs, calls,
    succeeded_calls, timed_calls, duration_ms, cost_usd
  from store.tool_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and (not exists (select from public.deletions d where d.user_id = s.user_id and d.simulation_id = s.simulation_id)) is true;
comment on view analytics.tool_days is
  'The tools of attempts on each day (UTC): the mean duration of a call is duration_ms / timed_calls.';

-- Three dashboards, by the names of their columns. Hours and days are of UTC.
create view analytics.v_system_performance with (security_barrier) as
  select date_trunc('hour', created_at, 'UTC') as hour, count(*) as total_simulations,
    avg(execution_time_ms)::double precision as avg_execution_time, sum(total_cost_usd) as total_cost,
    count(*) filter (where status = 'failed') as failed_count, avg(overall_score) as avg_score
  from analytics.simulations
  where created_at > now() - interval '24 hours'
  group by 1
  order by 1;
comment on view analytics.v_system_performance is
  'The simulations planned in each hour of the last 24; milliseconds, US dollars, and scores from 0 to 1, of those that are known.';

create view analytics.v_active_simulations with (security_barrier) as
  select s.simulation_id, s.simulation_name, s.status, s.completed_scenarios, s.total_scenarios,
    round(100.0 * s.completed_scenarios / s.total_scenarios, 2) as progress_pct,
    extract(epoch from now() - s.started_at) as runtime_seconds, v.model
  from analytics.simulations s
  join analytics.config_versions v on v.version_id = s.config_version_id
  where s.status in ('pending', 'running')
  order by s.created_at;
comment on view analytics.v_active_simulations is
  'Simulations that have not ended, the oldest first; completed_scenarios counts failed runs too.';

create view analytics.v_error_rates with (security_barrier) as
  select date_trunc('day', execution_time, 'UTC') as day, scenario_id, count(*) as total_runs,
    count(*) filter (where status = 'error') as error_count,
    round(100.0 * count(*) filter (where status = 'error') / count(*), 2) as error_rate_pct
  from analytics.outcomes
  where execution_time > now() - interval '7 days' and not superseded
  group by 1, 2
  having count(*) >= 10
  order by 1 desc, 5 desc;
comment on view analytics.v_error_rates is
  'The runs of each scenario that ended on each of the last seven days, where there are ten or more: how many ended with status error, and their share in percent. Timeouts and cancelled runs are no errors here.';

grant usage on schema analytics to app_analyst;
grant select on all tables in schema analytics to app_analyst;
set local role none;
