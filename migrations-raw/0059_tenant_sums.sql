-- run as: login
-- Sums of all that a tenant has, by hour and by day, and of its scenarios, whatever versions there were: those of versions grow with how
-- many versions run on a day, and what a year costs to look at must not.

set local role arc_owner;

/*
The SELECT of these sums by other keys, from rows `s` of a roll-up that fulfil a condition; `bucket`: an expression of them.
*/
create function store.sums_of_sums_sql(name text, bucket text, keys text, condition text) returns text
  language sql immutable set search_path = pg_catalog, pg_temp
  return format($q$
    select s.user_id, s.expired, %2$s as bucket, %3$s
      sum(attempts), sum(runs), sum(succeeded), sum(errors), sum(timeouts), sum(cancelled), sum(scored), sum(score_sum), sum(score_squares),
      sum(tokens), sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), sum(timed), sum(duration_ms), sum(durations::vector)::sparsevec
    from store.%1$I s where %4$s group by %3$s 1, 2, 3$q$, name, bucket, keys, condition);

-- As in migration 0047.
create table store.sums (
  attempts bigint not null, runs bigint not null, succeeded bigint not null, errors bigint not null, timeouts bigint not null,
  cancelled bigint not null, scored bigint not null, score_sum numeric, score_squares numeric,
  tokens bigint, prompt_tokens bigint, completion_tokens bigint, cost_usd numeric,
  timed bigint not null, duration_ms bigint, durations sparsevec
);
create table store.tenant_hours (user_id uuid not null, expired boolean not null, bucket timestamptz not null, like store.sums);
create table store.tenant_days (user_id uuid not null, expired boolean not null, bucket timestamptz not null, like store.sums);
create table store.tenant_scenario_days (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null, scenario_id text not null, like store.sums);
drop table store.sums;
create index tenant_hours_time on store.tenant_hours (user_id, bucket);
create index tenant_days_time on store.tenant_days (user_id, bucket);
create index tenant_scenario_days_time on store.tenant_scenario_days (user_id, bucket);
create index tenant_scenario_days_scenario on store.tenant_scenario_days (user_id, scenario_id, bucket);

/* Sums hours of one day and tenant, from `first` to before `last`, from what is there, and what the day has of its own. */
create or replace function store.sum_up(tenant uuid, first timestamptz, last timestamptz) returns void
  language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  day constant timestamptz := store.day_of(first);
  -- Literals: the planner leaves out the chunks and partitions of other times.
  of_outcomes constant text := 'o.user_id = %L and o.execution_time >= %L and o.execution_time < %L';
  of_sums constant text := 'user_id = %L and bucket >= %L and bucket < %L';
  the_hours constant text := format(of_sums, tenant, first, last);
  the_day constant text := format(of_sums, tenant, day, day + interval '1 day');
  is_seen constant text :=
    ' and not exists (select from public.deletions d where d.user_id = %1$s.user_id and d.simulation_id = %1$s.simulation_id)';
  name text;
begin
  perform store.replace_sums('outcome_hours', store.sums_sql('outcome_hours', format(of_outcomes, tenant, first, last), false),
    the_hours || ' and not expired');
  perform store.replace_sums('outcome_days', store.sums_of_sums_sql('outcome_hours', format('%L::timestamptz', day),
    'config_version_id, model,', the_day || format(is_seen, 's')), the_day);
  perform store.replace_sums('tenant_hours', store.sums_of_sums_sql('outcome_hours', 's.bucket', '', the_hours || format(is_seen, 's')),
    the_hours);
  perform store.replace_sums('tenant_days', store.sums_of_sums_sql('tenant_hours', format('%L::timestamptz', day), '', the_day), the_day);
  foreach name in array array['scenario_days', 'metric_days', 'tool_days'] loop
    perform store.replace_sums(name,
      store.sums_sql(name, format(of_outcomes, tenant, day, day + interval '1 day')
        || case name when 'scenario_days' then format(is_seen, 'o') else '' end, false),
      the_day || ' and not expired');
  end loop;
  perform store.replace_sums('tenant_scenario_days',
    store.sums_of_sums_sql('scenario_days', 's.bucket', 'scenario_id,', the_day), the_day);
end $$;

-- What is summed already. Hours that are marked are summed anew.
do $$
declare
  target text;
  fresh text;
begin
  perform pg_advisory_xact_lock(hashtext('arc.refresh_rollups'));
  for target, fresh in values
    ('tenant_hours', store.sums_of_sums_sql('outcome_hours', 's.bucket', '',
      'not exists (select from public.deletions d where d.user_id = s.user_id and d.simulation_id = s.simulation_id)')),
    ('tenant_days', store.sums_of_sums_sql('tenant_hours', 'store.day_of(s.bucket)', '', 'true')),
    ('tenant_scenario_days', store.sums_of_sums_sql('scenario_days', 's.bucket', 'scenario_id,', 'true'))
  loop
    execute format('insert into store.%I %s', target, fresh);
  end loop;
end $$;

do $$
declare
  name text;
begin
  foreach name in array array['tenant_hours', 'tenant_days', 'tenant_scenario_days'] loop
    execute format('create view public.%1$I as select * from store.%1$I where user_id = (select public.current_user_id())', name);
    execute format('grant select on public.%I to app_user, app_readonly, app_admin', name);
  end loop;
end $$;

-- Which range a question is about is told to whoever may ask it, sums or not.
grant execute on function public.rollups_as_of(timestamptz, timestamptz) to app_ingest;

grant select on store.tenant_hours, store.tenant_days, store.tenant_scenario_days to arc_analytics;
call store.pin_settings();

set local role arc_analytics;
create view analytics.tenant_hours with (security_barrier) as
  select bucket, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens,
    prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.tenant_hours s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.tenant_hours is 'All that ended in each hour (UTC): for questions over months in any time zone.';
create view analytics.tenant_days with (security_barrier) as
  select bucket, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum, score_squares, tokens,
    prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.tenant_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.tenant_days is 'All that ended on each day (UTC): for questions over years.';
create view analytics.tenant_scenario_days with (security_barrier) as
  select bucket, scenario_id || '' as scenario_id, attempts, runs, succeeded, errors, timeouts, cancelled, scored, score_sum,
    score_squares, tokens, prompt_tokens, completion_tokens, cost_usd, timed, duration_ms
  from store.tenant_scenario_days s
  where user_id = (select l.user_id from store.sql_logins l where l.login = session_user);
comment on view analytics.tenant_scenario_days is 'What ended on each day (UTC), by scenario, of all configuration versions.';
grant select on analytics.tenant_hours, analytics.tenant_days, analytics.tenant_scenario_days to app_analyst;
set local role none;
