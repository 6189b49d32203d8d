-- Hour and day of a simulation, in the names and columns of the continuous aggregates that the full edition of
-- TimescaleDB has instead.
do $$
declare
  grain record;
begin
  for grain in select * from (values ('outcome_hourly', interval '1 hour'), ('outcome_daily', interval '1 day')) g(name, width) loop
    execute format($view$
      create view store.%1$I as
      select user_id, simulation_id, date_bin(%2$L::interval, execution_time, timestamptz '2000-01-01 00:00:00+00') as bucket,
        count(*) as outcomes,
        count(*) filter (where status = 'success') as succeeded,
        count(*) filter (where status <> 'success') as failed,
        count(reliability_score) as scored,
        sum(reliability_score) as score_sum,
        sum(tokens_used::bigint) as tokens,
        sum(cost_usd) as cost_usd,
        percentile_cont(0.5) within group (order by execution_time_ms) as p50_ms,
        percentile_cont(0.95) within group (order by execution_time_ms) as p95_ms
      from store.outcomes
      group by 1, 2, 3$view$, grain.name, grain.width);
    execute format($view$
      create view public.%1$I with (security_barrier) as
      select * from store.%1$I where user_id = (select public.current_user_id())$view$, grain.name);
    execute format('grant select on public.%I to app_user, app_readonly, app_admin', grain.name);
  end loop;
end $$;
