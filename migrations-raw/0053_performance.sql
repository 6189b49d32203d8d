-- Questions over time are answered from the roll-ups, and from outcomes where those have no such sums.
alter function store.metric_values(jsonb) set schema public;
revoke execute on function public.metric_values(jsonb) from public;
grant execute on function public.metric_values(jsonb) to app_user, app_readonly, app_admin;
call store.mend('store.sums_sql(text,text,boolean)', $part$store.metric_values(o.metrics)$part$,
  $mended$public.metric_values(o.metrics)$mended$);

-- outcome_hours and outcome_days have taken their place.
drop view public.outcome_hourly, public.outcome_daily, store.outcome_hourly, store.outcome_daily;
