-- Sums of outcomes by hour and day, for questions over months: one meaning on every engine. They are kept by marks: whatever changes
-- outcomes marks their hours, and the job refresh_rollups sums those anew from the rows. So nothing is counted up that could drift, and
-- nobody who stores outcomes waits for a row of sums.

/*
Durations are counted in 325 bins: 0 ms, then steps of 5 % (of 1 ms up to 20 ms) up to a day, so that the middle of a bin is at most
2.5 % off. Whole numbers only: every engine counts alike. Counts of several rows add up as pgvector's vectors do.
*/
create function store.duration_bounds() returns integer[]
  language sql immutable parallel safe
  return '{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 44,
    47, 50, 53, 56, 59, 62, 66, 70, 74, 78, 82, 87, 92, 97, 102, 108, 114, 120, 126, 133, 140, 147, 155, 163, 172, 181, 191,
    201, 212, 223, 235, 247, 260, 273, 287, 302, 318, 334, 351, 369, 388, 408, 429, 451, 474, 498, 523, 550, 578, 607, 638,
    670, 704, 740, 777, 816, 857, 900, 945, 993, 1043, 1096, 1151, 1209, 1270, 1334, 1401, 1472, 1546, 1624, 1706, 1792,
    1882, 1977, 2076, 2180, 2289, 2404, 2525, 2652, 2785, 2925, 3072, 3226, 3388, 3558, 3736, 3923, 4120, 4326, 4543, 4771,
    5010, 5261, 5525, 5802, 6093, 6398, 6718, 7054, 7407, 7778, 8167, 8576, 9005, 9456, 9929, 10426, 10948, 11496, 12071,
    12675, 13309, 13975, 14674, 15408, 16179, 16988, 17838, 18730, 19667, 20651, 21684, 22769, 23908, 25104, 26360, 27678,
    29062, 30516, 32042, 33645, 35328, 37095, 38950, 40898, 42943, 45091, 47346, 49714, 52200, 54810, 57551, 60429, 63451,
    66624, 69956, 73454, 77127, 80984, 85034, 89286, 93751, 98439, 103361, 108530, 113957, 119655, 125638, 131920, 138516,
    145442, 152715, 160351, 168369, 176788, 185628, 194910, 204656, 214889, 225634, 236916, 248762, 261201, 274262, 287976,
    302375, 317494, 333369, 350038, 367540, 385917, 405213, 425474, 446748, 469086, 492541, 517169, 543028, 570180, 598689,
    628624, 660056, 693059, 727712, 764098, 802303, 842419, 884540, 928767, 975206, 1023967, 1075166, 1128925, 1185372,
    1244641, 1306874, 1372218, 1440829, 1512871, 1588515, 1667941, 1751339, 1838906, 1930852, 2027395, 2128765, 2235204,
    2346965, 2464314, 2587530, 2716907, 2852753, 2995391, 3145161, 3302420, 3467541, 3640919, 3822965, 4014114, 4214820,
    4425561, 4646840, 4879182, 5123142, 5379300, 5648265, 5930679, 6227213, 6538574, 6865503, 7208779, 7569218, 7947679,
    8345063, 8762317, 9200433, 9660455, 10143478, 10650652, 11183185, 11742345, 12329463, 12945937, 13593234, 14272896,
    14986541, 15735869, 16522663, 17348797, 18216237, 19127049, 20083402, 21087573, 22141952, 23249050, 24411503, 25632079,
    26913683, 28259368, 29672337, 31155954, 32713752, 34349440, 36066912, 37870258, 39763771, 41751960, 43839558, 46031536,
    48333113, 50749769, 53287258, 55951621, 58749203, 61686664, 64770998, 68009548, 71410026, 74980528, 78729555, 82666033}'::integer[];
create function store.duration_bin(ms integer) returns integer
  language sql immutable parallel safe
  return width_bucket(ms, store.duration_bounds()) + 1;
/* The duration in milliseconds that this share of the counted ones is not longer than; null where none was counted. */
create function public.duration_quantile(durations vector, share double precision) returns double precision
  language sql immutable parallel safe set search_path = pg_catalog, public, pg_temp
  return (
    select case bin when 1 then 0 else (bounds[bin - 1] + coalesce(bounds[bin] - 1, bounds[bin - 1])) / 2.0 end
    from (
      select bin, sum(n) over (order by bin) as up_to, sum(n) over () as counted, store.duration_bounds() as bounds
      from unnest(durations::real[]::double precision[]) with ordinality as counts(n, bin)
    ) c
    where up_to >= greatest(share * counted, 1) order by bin limit 1);

create function store.hour_of(at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return date_bin(interval '1 hour', at, timestamptz '2000-01-01 00:00:00+00');
create function store.day_of(at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return date_bin(interval '1 day', at, timestamptz '2000-01-01 00:00:00+00');

-- Hours of which not all is in the sums: one row for each batch. Only added to, so that nobody waits for anybody.
create table store.stale_hours (
  user_id uuid not null,
  bucket timestamptz not null,
  marked_at timestamptz not null default clock_timestamp()
);
create index stale_hours_bucket on store.stale_hours (user_id, bucket);

-- Attempts by their name; all other counts are of runs, each by its last attempt. Tokens and costs are of all attempts: each was paid
-- for. A sum is null where nothing is known. `expired`: the outcomes are gone and only their sums are left; what comes later for the
-- same time has rows of its own.
create table store.sums (
  attempts bigint not null, runs bigint not null, succeeded bigint not null, errors bigint not null, timeouts bigint not null,
  cancelled bigint not null, scored bigint not null, score_sum numeric, score_squares numeric,
  tokens bigint, prompt_tokens bigint, completion_tokens bigint, cost_usd numeric,
  timed bigint not null, duration_ms bigint, durations sparsevec
);
-- The model is '' where it is not known.
create table store.outcome_hours (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null,
  config_version_id uuid not null, simulation_id uuid not null, model text not null, like store.sums);
-- Sums of these, without simulations that are deleted.
create table store.outcome_days (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null,
  config_version_id uuid not null, model text not null, like store.sums);
-- A day has more scenarios than simulations by far: they have sums of their own, without simulations that are deleted.
create table store.scenario_days (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null,
  config_version_id uuid not null, scenario_id text not null, like store.sums);
drop table store.sums;
-- Numbers among the metrics of runs.
create table store.metric_days (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null,
  config_version_id uuid not null, simulation_id uuid not null, metric text not null,
  runs bigint not null, total numeric not null, squares numeric not null);
-- Tools of all attempts.
create table store.tool_days (
  user_id uuid not null, expired boolean not null, bucket timestamptz not null,
  config_version_id uuid not null, simulation_id uuid not null, tool_name text not null,
  attempts bigint not null, runs bigint not null, calls bigint not null, succeeded_calls numeric not null,
  timed_calls bigint not null, duration_ms numeric, cost_usd numeric);
do $$
declare
  name text;
begin
  foreach name in array array['outcome_hours', 'outcome_days', 'scenario_days', 'metric_days', 'tool_days'] loop
    execute format('create index %I on store.%I (user_id, bucket)', name || '_time', name);
    execute format('create index %I on store.%I (user_id, config_version_id, bucket)', name || '_version', name);
  end loop;
  foreach name in array array['outcome_hours', 'metric_days', 'tool_days'] loop
    execute format('create index %I on store.%I (user_id, simulation_id, bucket)', name || '_simulation', name);
  end loop;
end $$;
create index scenario_days_scenario on store.scenario_days (user_id, scenario_id, bucket);

/* Numbers, and whether something was met as 1 or 0, by their path of one or two keys. */
create function store.metric_values(metrics jsonb) returns table (metric text, value numeric)
  language sql immutable parallel safe
  begin atomic
    select n.path, case jsonb_typeof(n.value) when 'number' then n.value::numeric else n.value::boolean::integer end
    from (
      select key as path, m.value from jsonb_each(metrics) m
      union all
      select m.key || '.' || inner_metrics.key, inner_metrics.value
      from jsonb_each(metrics) m
      cross join lateral jsonb_each(case jsonb_typeof(m.value) when 'object' then m.value else '{}' end) inner_metrics
    ) n
    where jsonb_typeof(n.value) in ('number', 'boolean') and char_length(n.path) <= 200
      -- Beyond it nothing is a measure, and sums of it are longer than they are worth.
      and case jsonb_typeof(n.value) when 'number' then abs(n.value::numeric) < 1e15 else true end;
  end;

/* The SELECT of the sums of outcomes `o` that fulfil a condition, as rows of the table. */
create function store.sums_sql(name text, condition text, expired boolean) returns text
  language sql stable set search_path = pg_catalog, pg_temp
  return case name
    when 'metric_days' then format($q$
      select o.user_id, %L::boolean, store.day_of(o.execution_time), o.config_version_id, o.simulation_id, m.metric,
        count(*), sum(m.value), sum(m.value * m.value)
      from store.outcomes o cross join lateral store.metric_values(o.metrics) m
      where not o.superseded and %s group by 1, 3, 4, 5, 6$q$, expired, condition)
    when 'tool_days' then format($q$
      select o.user_id, %L::boolean, store.day_of(o.execution_time), o.config_version_id, o.simulation_id, t.tool_name::text,
        count(*), count(*) filter (where not o.superseded), sum(t.call_count), sum(t.success_rate::numeric * t.call_count),
        coalesce(sum(t.call_count) filter (where t.avg_duration_ms is not null), 0), sum(t.avg_duration_ms::numeric * t.call_count),
        sum(t.total_cost_usd::numeric)
      from store.outcomes o cross join lateral unnest(o.used_tools) t
      where %s group by 1, 3, 4, 5, 6$q$, expired, condition)
    else (
      select format($q$
        select user_id, %1$L::boolean, %2$s,
          sum(attempts), sum(runs), sum(succeeded), sum(errors), sum(timeouts), sum(cancelled), sum(scored), sum(score_sum),
          sum(score_squares), sum(tokens), sum(prompt_tokens), sum(completion_tokens), sum(cost_usd), sum(timed), sum(duration_ms),
          ('{' || string_agg(bin || ':' || timed, ',') filter (where timed > 0) || '}/325')::public.sparsevec
        from (
          -- By bin as well, and put together as text: a vector of each outcome would take twice as long as all the rest.
          select o.user_id, %3$s, store.duration_bin(o.execution_time_ms) as bin,
            count(*) as attempts, count(*) filter (where not superseded) as runs,
            count(*) filter (where not superseded and status = 'success') as succeeded,
            count(*) filter (where not superseded and status = 'error') as errors,
            count(*) filter (where not superseded and status = 'timeout') as timeouts,
            count(*) filter (where not superseded and status = 'cancelled') as cancelled,
            count(reliability_score) filter (where not superseded) as scored,
            sum(reliability_score::numeric) filter (where not superseded) as score_sum,
            sum(reliability_score::numeric * reliability_score::numeric) filter (where not superseded) as score_squares,
            sum(tokens_used) as tokens, sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
            sum(cost_usd) as cost_usd, count(execution_time_ms) filter (where not superseded) as timed,
            sum(execution_time_ms) filter (where not superseded) as duration_ms
          from store.outcomes o where %4$s group by o.user_id, %2$s, bin
        ) o
        group by user_id, %2$s$q$, expired, keys.names, keys.of_outcome, condition)
      from (
        select 'bucket, config_version_id, simulation_id, model' as names,
          $$store.hour_of(o.execution_time) as bucket, o.config_version_id, o.simulation_id, coalesce(o.model, '') as model$$ as of_outcome
        where name = 'outcome_hours'
        union all
        select 'bucket, config_version_id, scenario_id', 'store.day_of(o.execution_time) as bucket, o.config_version_id, o.scenario_id'
        where name = 'scenario_days'
      ) keys)
  end;

/* In the place of the rows that fulfil a condition those of a SELECT; what is equal stays as it is. */
create function store.replace_sums(name text, fresh text, replaced text) returns void
  language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  execute format($q$
    with fresh as materialized (select row(f.*)::store.%1$I as sums from (%2$s) f),
    kept as materialized (select t.ctid as place, t as sums from store.%1$I t where %3$s),
    gone as (
      delete from store.%1$I where ctid = any (array(
        select k.place from kept k where not exists (select from fresh f where f.sums = k.sums)))
    )
    insert into store.%1$I
    select (f.sums).* from fresh f where not exists (select from kept k where k.sums = f.sums)$q$, name, fresh, replaced);
end $$;

/* Sums hours of one day and tenant, from `first` to before `last`, from what is there, and what the day has of its own. */
create function store.sum_up(tenant uuid, first timestamptz, last timestamptz) returns void
  language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  day constant timestamptz := store.day_of(first);
  -- Literals: the planner leaves out the chunks and partitions of other times.
  of_hours constant text := format('o.user_id = %L and o.execution_time >= %L and o.execution_time < %L', tenant, first, last);
  of_day constant text := format('o.user_id = %L and o.execution_time >= %L and o.execution_time < %L',
    tenant, day, day + interval '1 day');
  is_seen constant text := 'not exists (select from public.deletions d where d.user_id = %1$s.user_id and d.simulation_id = %1$s.simulation_id)';
  name text;
begin
  perform store.replace_sums('outcome_hours', store.sums_sql('outcome_hours', of_hours, false),
    format('user_id = %L and bucket >= %L and bucket < %L and not expired', tenant, first, last));
  perform store.replace_sums('outcome_days', format($q$
      select user_id, expired, %L::timestamptz, config_version_id, model, sum(attempts), sum(runs), sum(succeeded), sum(errors),
        sum(timeouts), sum(cancelled), sum(scored), sum(score_sum), sum(score_squares), sum(tokens), sum(prompt_tokens),
        sum(completion_tokens), sum(cost_usd), sum(timed), sum(duration_ms), sum(durations::vector)::sparsevec
      from store.outcome_hours h
      where user_id = %L and bucket >= %L and bucket < %L and %s
      group by user_id, expired, config_version_id, model$q$, day, tenant, day, day + interval '1 day', format(is_seen, 'h')),
    format('user_id = %L and bucket = %L', tenant, day));
  foreach name in array array['scenario_days', 'metric_days', 'tool_days'] loop
    perform store.replace_sums(name,
      store.sums_sql(name, of_day || case name when 'scenario_days' then ' and ' || format(is_seen, 'o') else '' end, false),
      format('user_id = %L and bucket = %L and not expired', tenant, day));
  end loop;
end $$;

/* Sums the hours from `first` to before `last` that were marked longest ago, `most` of them; returns how many those were. */
create function store.work_off(most integer, first timestamptz, last timestamptz) returns integer
  language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  part record;
  done integer := 0;
begin
  -- A mark becomes visible with the outcomes that it stands for: what this statement sees marked, those below see whole. What comes
  -- in between is summed already, and stays marked.
  for part in
    with picked as (
      select s.user_id, s.bucket from store.stale_hours s where s.bucket >= first and s.bucket < last
      group by s.user_id, s.bucket order by min(s.marked_at), s.user_id, s.bucket limit most
    ), unmarked as (
      delete from store.stale_hours s using picked p where s.user_id = p.user_id and s.bucket = p.bucket
    )
    select p.user_id, min(p.bucket) as first, max(p.bucket) + interval '1 hour' as last, count(*)::integer as hours
    from picked p group by p.user_id, store.day_of(p.bucket)
  loop
    perform store.sum_up(part.user_id, part.first, part.last);
    done := done + part.hours;
  end loop;
  return done;
end $$;

/* The job's step: returns how many hours were summed, 0 when none is marked or another server is at it. */
create function public.refresh_rollups(most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not pg_try_advisory_xact_lock(hashtext('arc.refresh_rollups')) then
    return 0;
  end if;
  return store.work_off(most, '-infinity', 'infinity');
end $$;
-- It runs every few seconds, but for no more than a twentieth of the time.
insert into store.jobs (name, every) values ('refresh_rollups', interval '5 seconds');
call store.mend('public.end_job(text,uuid,text)', $part$
      else now() + j.every
$part$, $mended$
      else now() + greatest(j.every, least(19 * (now() - j.started_at), interval '40 seconds'))
$mended$);

/* Up to when all that changed between these times is in the sums of the tenant. */
create function public.rollups_as_of(first timestamptz, last timestamptz) returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (
    select coalesce(min(marked_at), clock_timestamp()) from store.stale_hours
    where user_id = (select public.current_user_id()) and bucket >= store.hour_of(first) and bucket < last);
revoke execute on function public.refresh_rollups(integer), public.rollups_as_of(timestamptz, timestamptz),
  public.duration_quantile(vector, double precision) from public;
grant execute on function public.refresh_rollups(integer) to app_user;
grant execute on function public.rollups_as_of(timestamptz, timestamptz), public.duration_quantile(vector, double precision)
  to app_user, app_readonly, app_admin;

do $$
declare
  name text;
begin
  foreach name in array array['outcome_days', 'scenario_days'] loop
    execute format('create view public.%1$I as select * from store.%1$I where user_id = (select public.current_user_id())', name);
  end loop;
  foreach name in array array['outcome_hours', 'metric_days', 'tool_days'] loop
    execute format($view$
      create view public.%1$I as select * from store.%1$I s where user_id = (select public.current_user_id())
        and (not exists (select from public.deletions d where d.user_id = s.user_id and d.simulation_id = s.simulation_id)) is true$view$,
      name);
  end loop;
  foreach name in array array['outcome_hours', 'outcome_days', 'scenario_days', 'metric_days', 'tool_days'] loop
    execute format('grant select on public.%I to app_user, app_readonly, app_admin', name);
  end loop;
end $$;

-- Who marks: what is stored, superseded, amended, deleted, taken back.
call store.mend('public.ingest_outcomes(jsonb)', $part$
  went_wrong as ($part$, $mended$
  marked as (
    insert into store.stale_hours (user_id, bucket)
    select distinct tenant, store.hour_of(i.execution_time)
    from fresh f join input i using (idx)
  ),
  went_wrong as ($mended$);
call store.mend('store.supersede_outcome()', $part$
      old.user_id, old.outcome_id, at);$part$, $mended$
      old.user_id, old.outcome_id, at);
    insert into store.stale_hours (user_id, bucket) values (old.user_id, store.hour_of(at));$mended$);
call store.mend('public.amend_outcomes(jsonb)', $part$
    if 'trajectory' = any (differences) then$part$, $mended$
    insert into store.stale_hours (user_id, bucket) values (tenant, store.hour_of(before.execution_time));
    if 'trajectory' = any (differences) then$mended$);
call store.mend('store.delete_outcomes_of_keys()', $part$
    delete from public.failure_patterns p$part$, $mended$
    insert into store.stale_hours (user_id, bucket)
      select distinct part.user_id, store.hour_of(d.execution_time)
      from deleted d where d.user_id = part.user_id and d.execution_time between part.first and part.last;
    delete from public.failure_patterns p$mended$);
create function store.mark_hours_of_deletion() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  deletion public.deletions := case when tg_op = 'INSERT' then new else old end;
begin
  insert into store.stale_hours (user_id, bucket)
    select distinct h.user_id, h.bucket from store.outcome_hours h
    where h.user_id = deletion.user_id and h.simulation_id = deletion.simulation_id;
  return null;
end $$;
create trigger mark_hours_deleted after insert on public.deletions
  for each row when (new.simulation_id is not null) execute function store.mark_hours_of_deletion();
create trigger mark_hours_restored after delete on public.deletions
  for each row when (old.simulation_id is not null) execute function store.mark_hours_of_deletion();
-- What retention has left of a simulation goes with it.
call store.mend('store.delete_keys_of_simulations()', $part$
      where k.user_id = tenant and d.user_id = tenant and k.simulation_id = d.simulation_id;$part$, $mended$
      where k.user_id = tenant and d.user_id = tenant and k.simulation_id = d.simulation_id;
    with hours as (
      delete from store.outcome_hours h using deleted d
      where h.user_id = tenant and d.user_id = tenant and h.simulation_id = d.simulation_id
      returning h.bucket
    )
    insert into store.stale_hours (user_id, bucket) select distinct tenant, bucket from hours;
    delete from store.metric_days m using deleted d
      where m.user_id = tenant and d.user_id = tenant and m.simulation_id = d.simulation_id;
    delete from store.tool_days t using deleted d
      where t.user_id = tenant and d.user_id = tenant and t.simulation_id = d.simulation_id;$mended$);

insert into store.stale_hours (user_id, bucket)
  select distinct user_id, store.hour_of(execution_time) from store.outcomes;

call store.pin_settings();
