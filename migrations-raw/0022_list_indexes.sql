-- The orders that these lists have when nobody names another; without an index all the tenant's rows are read and sorted.
create index config_diffs_latest on public.config_diffs (user_id, created_at desc, diff_id desc);
-- No entry is made when a run ends: what is in it never changes.
create index simulations_scenarios_all
  on public.simulations_scenarios (user_id, execution_order, simulation_id, scenario_id, repetition);
