-- Questions over time are answered from the roll-ups, and from outcomes where those have no such sums.
alter function store.metric_values(jsonb) set schema public;
revoke execute on function public.metric_values(jsonb) from public;
grant execute on function public.metric_values(jsonb) to app_user, app_readonly, app_admin;
call store.mend('store.sums_sql(text,text,boolean)', $part$store.metric_values(o.metrics)$part$,
  $mended$public.metric_values(o.metrics)$mended$);

-- outcome_hours and outcome_days have taken their place.
drop view public.outcome_hourly, public.outcome_daily, store.outcome_hourly, store.outcome_daily;

/*
As before, but found by halves: a prefix of the counts is summed up in C, nine of them for one of 325 bins. Sums of single
precision are exact up to 16.7 million outcomes, and beyond that off by less than a millionth.
*/
create function store.duration_ones() returns vector
  language sql immutable parallel safe
  return array_fill(1::real, array[325])::vector;
create function store.duration_place(durations vector, share double precision, bounds integer[], ones vector) returns double precision
  language plpgsql immutable parallel safe set search_path = pg_catalog, public, pg_temp as $$
declare
  counted constant double precision := inner_product(durations, ones);
  wanted constant double precision := greatest(share * counted, 1);
  low integer := 1;
  high integer := 325;
  middle integer;
begin
  if counted is null or counted = 0 then
    return null;
  end if;
  while low < high loop
    middle := (low + high) / 2;
    if inner_product(subvector(durations, 1, middle), subvector(ones, 1, middle)) >= wanted then
      high := middle;
    else
      low := middle + 1;
    end if;
  end loop;
  return case low when 1 then 0 else (bounds[low - 1] + coalesce(bounds[low] - 1, bounds[low - 1])) / 2.0 end;
end $$;
create or replace function public.duration_quantile(durations vector, share double precision) returns double precision
  language sql immutable parallel safe
  return store.duration_place(durations, share, store.duration_bounds(), store.duration_ones());
