-- The sums of 0047_rollups.sql as continuous aggregates, where `arc migrate --continuous-aggregates` was asked for them: the same
-- columns, but for `expired`, which they cannot tell. Of all tenants; people see them through the views below. A continuous aggregate
-- takes neither row-level security nor a join that would follow what is deleted, so simulations are a key of each: the views leave out
-- those that are gone.

-- TimescaleDB runs a job as its owner, who has to be one that may log in. Nobody can as this one: it has no password and
-- may have no connection, which TimescaleDB's workers do not need.
do $$
begin
  if not exists (select from pg_roles where rolname = 'arc_refresh') then
    create role arc_refresh login connection limit 0 nosuperuser nobypassrls nocreatedb nocreaterole;
    -- Whoever creates a role may grant it (since PostgreSQL 16), but may not act as it before that.
    if not (select rolsuper from pg_roles where rolname = current_user) then
      execute format('grant arc_refresh to %I', current_user);
    end if;
  end if;
  if not pg_has_role('arc_refresh', 'arc_owner', 'member') then
    grant arc_owner to arc_refresh;
  end if;
  execute format('grant connect on database %I to arc_refresh', current_database());
end $$;

set local role arc_owner;
create function store.duration_counts(ms integer) returns vector
  language sql immutable parallel safe strict set search_path = pg_catalog, public, pg_temp
  return ('{' || store.duration_bin(ms) || ':1}/325')::sparsevec::vector;
revoke execute on function store.duration_counts(integer) from public;

create materialized view store.outcome_hours_cagg
  with (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) as
select user_id, time_bucket(interval '1 hour', execution_time) as bucket, config_version_id, simulation_id, coalesce(model, '') as model,
  count(*) as attempts,
  count(*) filter (where not superseded) as runs,
  count(*) filter (where not superseded and status = 'success') as succeeded,
  count(*) filter (where not superseded and status = 'error') as errors,
  count(*) filter (where not superseded and status = 'timeout') as timeouts,
  count(*) filter (where not superseded and status = 'cancelled') as cancelled,
  count(reliability_score) filter (where not superseded) as scored,
  sum(reliability_score::numeric) filter (where not superseded) as score_sum,
  sum(reliability_score::numeric * reliability_score::numeric) filter (where not superseded) as score_squares,
  sum(tokens_used) as tokens, sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
  sum(cost_usd) as cost_usd,
  count(execution_time_ms) filter (where not superseded) as timed,
  sum(execution_time_ms) filter (where not superseded) as duration_ms,
  sum(store.duration_counts(execution_time_ms)) filter (where not superseded)::sparsevec as durations
from store.outcomes group by 1, 2, 3, 4, 5 with no data;

create materialized view store.outcome_days_cagg
  with (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) as
select user_id, time_bucket(interval '1 day', bucket) as bucket, config_version_id, simulation_id, model,
  sum(attempts)::bigint as attempts, sum(runs)::bigint as runs, sum(succeeded)::bigint as succeeded, sum(errors)::bigint as errors,
  sum(timeouts)::bigint as timeouts, sum(cancelled)::bigint as cancelled, sum(scored)::bigint as scored,
  sum(score_sum) as score_sum, sum(score_squares) as score_squares,
  sum(tokens)::bigint as tokens, sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
  sum(cost_usd) as cost_usd, sum(timed)::bigint as timed, sum(duration_ms)::bigint as duration_ms,
  sum(durations::vector)::sparsevec as durations
from store.outcome_hours_cagg group by 1, 2, 3, 4, 5 with no data;

create materialized view store.scenario_days_cagg
  with (timescaledb.continuous, timescaledb.materialized_only = true, timescaledb.create_group_indexes = false) as
select user_id, time_bucket(interval '1 day', execution_time) as bucket, config_version_id, simulation_id, scenario_id,
  count(*) as attempts,
  count(*) filter (where not superseded) as runs,
  count(*) filter (where not superseded and status = 'success') as succeeded,
  count(*) filter (where not superseded and status = 'error') as errors,
  count(*) filter (where not superseded and status = 'timeout') as timeouts,
  count(*) filter (where not superseded and status = 'cancelled') as cancelled,
  count(reliability_score) filter (where not superseded) as scored,
  sum(reliability_score::numeric) filter (where not superseded) as score_sum,
  sum(reliability_score::numeric * reliability_score::numeric) filter (where not superseded) as score_squares,
  sum(tokens_used) as tokens, sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
  sum(cost_usd) as cost_usd,
  count(execution_time_ms) filter (where not superseded) as timed,
  sum(execution_time_ms) filter (where not superseded) as duration_ms,
  sum(store.duration_counts(execution_time_ms)) filter (where not superseded)::sparsevec as durations
from store.outcomes group by 1, 2, 3, 4, 5 with no data;

/*
Brings the one up to date that `config` names. Not the time in which outcomes have expired, unless it says {"whole": true}: a refresh would take
their sums away, which nothing can bring back. One a call, because with some pairs of versions a job ends with its first transaction (0027); and without settings of
its own, with which a procedure may not end one.
*/
create procedure store.refresh_continuous_aggregate(job_id integer, config jsonb) language plpgsql as $$
declare
  first timestamptz;
begin
  if (config ->> 'whole')::boolean is not true then
    first := (select store.day_of(max(h.bucket)) + interval '1 day' from store.outcome_hours h where h.expired);
  end if;
  if exists (select from pg_proc p where p.oid::regproc = 'public.refresh_continuous_aggregate'::regproc and 'options' = any (p.proargnames)) then
    -- In one pass: in many, it goes through all the hours since the first chunk began, which may be decades, a commit for every few.
    call public.refresh_continuous_aggregate(format('store.%I', config ->> 'name')::regclass, first, null::timestamptz,
      options => '{"buckets_per_batch": 0}');
  else
    call public.refresh_continuous_aggregate(format('store.%I', config ->> 'name')::regclass, first, null::timestamptz);
  end if;
end $$;
revoke execute on procedure store.refresh_continuous_aggregate(integer, jsonb) from public;

-- A simulation that is deleted is hidden by the policy of its table, and one that is deleted for good is not there.
create view public.outcome_hours_cagg as
  select c.* from store.outcome_hours_cagg c
  where c.user_id = (select public.current_user_id())
    and exists (select from public.simulations s where s.user_id = c.user_id and s.simulation_id = c.simulation_id);
create view public.outcome_days_cagg as
  select c.user_id, c.bucket, c.config_version_id, c.model,
    sum(attempts)::bigint as attempts, sum(runs)::bigint as runs, sum(succeeded)::bigint as succeeded, sum(errors)::bigint as errors,
    sum(timeouts)::bigint as timeouts, sum(cancelled)::bigint as cancelled, sum(scored)::bigint as scored,
    sum(score_sum) as score_sum, sum(score_squares) as score_squares,
    sum(tokens)::bigint as tokens, sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
    sum(cost_usd) as cost_usd, sum(timed)::bigint as timed, sum(duration_ms)::bigint as duration_ms,
    sum(durations::vector)::sparsevec as durations
  from store.outcome_days_cagg c
  where c.user_id = (select public.current_user_id())
    and exists (select from public.simulations s where s.user_id = c.user_id and s.simulation_id = c.simulation_id)
  group by 1, 2, 3, 4;
create view public.scenario_days_cagg as
  select c.user_id, c.bucket, c.config_version_id, c.scenario_id,
    sum(attempts)::bigint as attempts, sum(runs)::bigint as runs, sum(succeeded)::bigint as succeeded, sum(errors)::bigint as errors,
    sum(timeouts)::bigint as timeouts, sum(cancelled)::bigint as cancelled, sum(scored)::bigint as scored,
    sum(score_sum) as score_sum, sum(score_squares) as score_squares,
    sum(tokens)::bigint as tokens, sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
    sum(cost_usd) as cost_usd, sum(timed)::bigint as timed, sum(duration_ms)::bigint as duration_ms,
    sum(durations::vector)::sparsevec as durations
  from store.scenario_days_cagg c
  where c.user_id = (select public.current_user_id())
    and exists (select from public.simulations s where s.user_id = c.user_id and s.simulation_id = c.simulation_id)
  group by 1, 2, 3, 4;
create view public.daily_simulation_stats as
  select c.user_id, c.bucket as day, count(distinct c.simulation_id) as simulations_run, sum(c.runs)::bigint as total_scenarios,
    (sum(c.score_sum) / nullif(sum(c.scored), 0))::double precision as avg_reliability, sum(c.cost_usd) as total_cost
  from store.outcome_days_cagg c
  where c.user_id = (select public.current_user_id())
    and exists (select from public.simulations s where s.user_id = c.user_id and s.simulation_id = c.simulation_id)
  group by 1, 2;
comment on view public.daily_simulation_stats is
  'What ended on each day (UTC): simulations with an outcome, runs, the mean of their scores, and what all attempts cost in USD.';
grant select on public.outcome_hours_cagg, public.outcome_days_cagg, public.scenario_days_cagg, public.daily_simulation_stats
  to app_user, app_readonly, app_admin;

-- The same for people's own SQL, as 0050_sql_logins.sql has it.
grant select on store.outcome_hours_cagg, store.outcome_days_cagg, store.scenario_days_cagg to arc_analytics;
reset role;
set local role arc_analytics;
create view analytics.daily_simulation_stats with (security_barrier) as
  select c.bucket as day, count(distinct c.simulation_id) as simulations_run, sum(c.runs)::bigint as total_scenarios,
    (sum(c.score_sum) / nullif(sum(c.scored), 0))::double precision as avg_reliability, sum(c.cost_usd) as total_cost
  from store.outcome_days_cagg c
  where c.user_id = (select l.user_id from store.sql_logins l where l.login = session_user)
    and exists (select from public.simulations s where s.user_id = c.user_id and s.simulation_id = c.simulation_id)
  group by 1;
comment on view analytics.daily_simulation_stats is
  'What ended on each day (UTC): simulations with an outcome, runs, the mean of their scores, and what all attempts cost in USD.';
grant select on analytics.daily_simulation_stats to app_analyst;
reset role;
