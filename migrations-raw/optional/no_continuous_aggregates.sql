-- Takes away what continuous_aggregates.sql made. The role stays where another database has jobs of it.
set local role arc_refresh;
select public.delete_job(job_id) from timescaledb_information.jobs
  where proc_schema = 'store' and proc_name = 'refresh_continuous_aggregate';
reset role;
set local role arc_analytics;
drop view analytics.daily_simulation_stats;
reset role;
set local role arc_owner;
drop view public.daily_simulation_stats, public.scenario_days_cagg, public.outcome_days_cagg, public.outcome_hours_cagg;
drop materialized view store.scenario_days_cagg;
drop materialized view store.outcome_days_cagg;
drop materialized view store.outcome_hours_cagg;
drop procedure store.refresh_continuous_aggregate(integer, jsonb);
drop function store.duration_counts(integer);
reset role;
do $$
begin
  execute format('revoke connect on database %I from arc_refresh', current_database());
  drop role arc_refresh;
exception when dependent_objects_still_exist then null;
end $$;
