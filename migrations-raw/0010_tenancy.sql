-- Rows of another tenant are invisible and unwritable, for the tables' owner too.
do $$
declare
  name text;
begin
  foreach name in array array[
    'public.configurations', 'public.config_versions', 'public.config_diffs', 'public.scenarios', 'public.simulations',
    'public.simulations_scenarios', 'public.simulation_events', 'public.failure_patterns', 'public.tool_usage',
    'public.recommendations', 'public.api_keys', 'store.outcome_keys'
  ] loop
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
      'create policy tenant on %s using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()))',
      name);
  end loop;
end $$;

-- A hypertable with a columnstore takes no row-level security, and chunks would bypass it: the application roles
-- have no right on schema store and see these views. A barrier keeps a caller's own function from peeking at rows
-- before the tenant filter has dropped them.
create view public.outcomes with (security_barrier, check_option = cascaded) as
  select user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,
    execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
    error_code, error_category, retry_count, event_seq, recorded_at, trajectory, metrics, trajectory_embedding,
    embedding_model
  from store.outcomes
  where user_id = (select public.current_user_id());

create view public.outcome_keys with (security_barrier, check_option = cascaded) as
  select user_id, outcome_id, simulation_id, execution_time
  from store.outcome_keys
  where user_id = (select public.current_user_id());

grant select on
  public.configurations, public.config_versions, public.config_diffs, public.scenarios, public.simulations,
  public.simulations_scenarios, public.simulation_events, public.failure_patterns, public.tool_usage,
  public.recommendations, public.api_keys, public.outcomes, public.outcome_keys
  to app_user, app_readonly, app_admin;
revoke select on public.api_keys from app_user, app_readonly, app_admin;
grant select (user_id, key_id, name, prefix, role, scopes, created_by, created_at, expires_at, last_used_at, revoked_at)
  on public.api_keys to app_user, app_readonly, app_admin;

grant insert on
  public.configurations, public.config_versions, public.config_diffs, public.scenarios, public.simulations,
  public.simulations_scenarios, public.recommendations
  to app_user, app_admin;
grant update on public.configurations, public.scenarios, public.recommendations to app_user, app_admin;
grant update (is_deleted) on public.config_versions to app_user, app_admin;
grant update (approval_status, approved_by, approved_at) on public.config_diffs to app_user, app_admin;
grant update (scenario_set, total_scenarios, status, overall_score, execution_time_ms, total_cost_usd, metadata,
    error_message, started_at, completed_at)
  on public.simulations to app_user, app_admin;

create trigger audit after insert or update or delete on public.configurations for each row execute function store.audit();
create trigger audit after insert or update or delete on public.config_versions for each row execute function store.audit();
create trigger audit after insert or update or delete on public.config_diffs for each row execute function store.audit();
create trigger audit after insert or update or delete on public.scenarios for each row execute function store.audit();
create trigger audit after insert or update or delete on public.recommendations for each row execute function store.audit();
create trigger audit after insert or update or delete on public.api_keys for each row execute function store.audit();
-- Counting outcomes is not an act of a person, and would write one audit row per batch: steps of the status are.
create trigger audit after insert or delete on public.simulations for each row execute function store.audit();
create trigger audit_step after update on public.simulations
  for each row when (
    (old.status, old.scenario_set, old.metadata, old.error_message, old.overall_score)
    is distinct from (new.status, new.scenario_set, new.metadata, new.error_message, new.overall_score))
  execute function store.audit();
