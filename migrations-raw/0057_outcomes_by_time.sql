-- Of which time the outcomes of a simulation are: whoever reads them names that time, and only its chunks or partitions are looked
-- at. What is deleted or expires leaves it as it was: it may be wider than what is there, and never narrower. No index has it, so that
-- the counters' update stays as cheap as it was.
alter table public.simulations
  add column first_outcome_at timestamptz(3),
  add column last_outcome_at timestamptz(3),
  add constraint first_outcome_before_last check (first_outcome_at <= last_outcome_at),
  add constraint has_both_outcome_times check ((first_outcome_at is null) = (last_outcome_at is null));
alter table public.simulations no force row level security;
alter table store.outcome_keys no force row level security;
update public.simulations s set first_outcome_at = k.first, last_outcome_at = k.last
  from (
    select user_id, simulation_id, min(execution_time) as first, max(execution_time) as last
    from store.outcome_keys group by user_id, simulation_id
  ) k
  where k.user_id = s.user_id and k.simulation_id = s.simulation_id;
alter table public.simulations force row level security;
alter table store.outcome_keys force row level security;

call store.mend('public.ingest_outcomes(jsonb)', $part$
      sum(i.execution_time_ms) as execution_time_ms, sum(i.tokens_used) as tokens,$part$, $mended$
      min(i.execution_time) as first_at, max(i.execution_time) as last_at,
      sum(i.execution_time_ms) as execution_time_ms, sum(i.tokens_used) as tokens,$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
      -- A later attempt may leave all figures as they were, and is an event all the same.$part$, $mended$
      first_outcome_at = least(s.first_outcome_at, sp.first_at), last_outcome_at = greatest(s.last_outcome_at, sp.last_at),
      -- A later attempt may leave all figures as they were, and is an event all the same.$mended$);

/*
From here on, towards the past (`newest`) or the future: the end of the latest, or the beginning of the first day of which the tenant
has outcomes, of this scenario or version if one is given; null when there is none. By the sums of days and the hours that are not
summed yet, which together have all that is there.
*/
create function public.outcomes_next_to(at timestamptz, newest boolean, scenario text, version uuid) returns timestamptz
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant constant uuid := public.current_user_id();
  day timestamptz;
  hour timestamptz;
begin
  if newest then
    if scenario is not null then
      select max(bucket) into day from store.scenario_days where user_id = tenant and scenario_id = scenario and bucket < at;
    elsif version is not null then
      select max(bucket) into day from store.outcome_days where user_id = tenant and config_version_id = version and bucket < at;
    else
      select max(bucket) into day from store.outcome_days where user_id = tenant and bucket < at;
    end if;
    select max(bucket) into hour from store.stale_hours where user_id = tenant and bucket < at;
    return case when day is not null or hour is not null
      then least(at, greatest(day + interval '1 day', hour + interval '1 hour')) end;
  end if;
  if scenario is not null then
    select min(bucket) into day from store.scenario_days
      where user_id = tenant and scenario_id = scenario and bucket > at - interval '1 day';
  elsif version is not null then
    select min(bucket) into day from store.outcome_days
      where user_id = tenant and config_version_id = version and bucket > at - interval '1 day';
  else
    select min(bucket) into day from store.outcome_days where user_id = tenant and bucket > at - interval '1 day';
  end if;
  select min(bucket) into hour from store.stale_hours where user_id = tenant and bucket > at - interval '1 hour';
  return case when day is not null or hour is not null then greatest(at, least(day, hour)) end;
end $$;

/*
The rows of a statement on outcomes, from `first` to `last` (as the session's role: it is for statements that are planned at once
otherwise, over all chunks or partitions that there are). In the statement $1 and $2 are the times from which and before which it
reads, $3 is how many rows are wanted. With `most` it is carried out for one stretch of time after another, the newest or the oldest first,
until there are so many: each up to four times as long as the one before, by how many rows that had. So it has to be in the order of
time. Without `most` it is carried out once.
`scenario`, `version`: of which outcomes alone it is.
*/
create function public.rows_by_time(kind anyelement, statement text, first timestamptz, last timestamptz, most integer, newest boolean,
    scenario text default null, version uuid default null)
  returns setof anyelement
  language plpgsql stable set search_path = pg_catalog, public, pg_temp rows 20 as $$
declare
  lower timestamptz := first;
  upper timestamptz := last + interval '1 millisecond';
  width interval := '2 days';
  edge timestamptz;
  found integer;
begin
  if most is null then
    return query execute statement using lower, upper, most;
    return;
  end if;
  while lower < upper and most > 0 loop
    edge := case when newest then upper else lower end;
    if lower + width < upper then
      edge := outcomes_next_to(edge, newest, scenario, version);
      exit when edge is null;
    end if;
    if newest then
      upper := edge;
      edge := greatest(lower, upper - width);
      return query execute statement using edge, upper, most;
      upper := edge;
    else
      lower := edge;
      edge := least(upper, lower + width);
      return query execute statement using lower, edge, most;
      lower := edge;
    end if;
    get diagnostics found = row_count;
    most := most - found;
    width := greatest(width * least(4.0, 2.0 * most / nullif(found, 0)), interval '1 day');
  end loop;
end $$;
revoke execute on function public.outcomes_next_to(timestamptz, boolean, text, uuid),
  public.rows_by_time(anyelement, text, timestamptz, timestamptz, integer, boolean, text, uuid) from public;
grant execute on function public.outcomes_next_to(timestamptz, boolean, text, uuid),
  public.rows_by_time(anyelement, text, timestamptz, timestamptz, integer, boolean, text, uuid) to app_user, app_readonly, app_admin;

call store.pin_settings();
