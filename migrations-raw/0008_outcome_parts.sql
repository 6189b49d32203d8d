-- The identity of an outcome. It makes ingestion idempotent and tells the time of an outcome when only its id is known.
-- What belongs to an outcome goes with its key: see the trigger below.
create table store.outcome_keys (
  user_id uuid not null,
  outcome_id uuid not null,
  simulation_id uuid not null,
  execution_time timestamptz(3) not null,
  primary key (user_id, outcome_id),
  foreign key (user_id, simulation_id) references public.simulations on delete cascade
);
create index outcome_keys_simulation on store.outcome_keys (user_id, simulation_id);
create index outcome_keys_time on store.outcome_keys using brin (execution_time);

-- The ids of failure patterns and tool usage are UUIDv7 of the execution time: ordered by id is ordered by time, and one
-- index serves both. Only ingest_outcomes writes these tables.
create table public.failure_patterns (
  user_id uuid not null default public.current_user_id(),
  pattern_id uuid not null,
  outcome_id uuid not null,
  simulation_id uuid not null,
  execution_time timestamptz(3) not null,
  failure_type text not null check (char_length(failure_type) between 1 and 100),
  failure_category text not null check (failure_category in
    ('timeout', 'tool_error', 'model_error', 'validation_error', 'system_error', 'sandbox_error', 'unknown')),
  error_message text check (char_length(error_message) <= 10000),
  -- Hash of the error text with ids, numbers and paths masked: equal signatures are one failure.
  signature text not null,
  error_embedding halfvec(1536),
  embedding_model text,
  recovery_attempted boolean not null default false,
  recovery_successful boolean not null default false,
  similar_failures integer not null default 0 check (similar_failures >= 0),
  resolution_steps text,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, pattern_id),
  check (recovery_attempted or not recovery_successful)
);
alter table public.failure_patterns alter column error_embedding set storage plain;
create index failure_patterns_outcome on public.failure_patterns (user_id, outcome_id);
create index failure_patterns_simulation on public.failure_patterns (user_id, simulation_id, pattern_id);
create index failure_patterns_signature on public.failure_patterns (user_id, signature, pattern_id);

create table public.tool_usage (
  user_id uuid not null default public.current_user_id(),
  usage_id uuid not null,
  outcome_id uuid not null,
  simulation_id uuid not null,
  execution_time timestamptz(3) not null,
  tool_name text not null check (char_length(tool_name) between 1 and 100),
  call_count integer not null check (call_count > 0),
  avg_duration_ms double precision check (avg_duration_ms >= 0),
  success_rate double precision not null check (success_rate between 0 and 1),
  tool_sequence jsonb,
  total_cost_usd numeric(12, 6) check (total_cost_usd >= 0),
  error_types text[] not null default '{}',
  created_at timestamptz(3) not null default now(),
  primary key (user_id, usage_id),
  unique (user_id, outcome_id, tool_name)
);
create index tool_usage_simulation on public.tool_usage (user_id, simulation_id, usage_id);
create index tool_usage_tool on public.tool_usage (user_id, tool_name, usage_id);

/*
Deletes what belongs to deleted outcomes. Not foreign keys, because they would cost ingestion a look-up per row, by a
plan that each connection keeps: one made while the table was empty reads the whole table for every row.
*/
create function store.delete_outcomes_of_keys() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  tenant uuid;
begin
  delete from store.outcomes o using deleted d
    where o.user_id = d.user_id and o.outcome_id = d.outcome_id and o.execution_time = d.execution_time;
  -- Row-level security binds the tables' owner as well, and whoever deletes a simulation may act for no tenant.
  for tenant in select distinct d.user_id from deleted d loop
    perform set_config('app.user_id', tenant::text, true);
    delete from public.failure_patterns p using deleted d
      where p.user_id = tenant and d.user_id = tenant and p.outcome_id = d.outcome_id;
    delete from public.tool_usage t using deleted d
      where t.user_id = tenant and d.user_id = tenant and t.outcome_id = d.outcome_id;
  end loop;
  perform set_config('app.user_id', asking, true);
  return null;
end $$;
create trigger delete_outcomes after delete on store.outcome_keys
  referencing old table as deleted for each statement execute function store.delete_outcomes_of_keys();
