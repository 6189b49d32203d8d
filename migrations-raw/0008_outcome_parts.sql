-- The identity of an outcome. It makes ingestion idempotent, tells the time of an outcome when only its id is known,
-- and is what other tables refer to: a foreign key into a hypertable would make drop_chunks fail.
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

create table public.failure_patterns (
  user_id uuid not null default public.current_user_id(),
  pattern_id uuid not null default public.uuid_v7(),
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
  foreign key (user_id, outcome_id) references store.outcome_keys on delete cascade,
  check (recovery_attempted or not recovery_successful)
);
alter table public.failure_patterns alter column error_embedding set storage plain;
create index failure_patterns_outcome on public.failure_patterns (user_id, outcome_id);
create index failure_patterns_simulation on public.failure_patterns (user_id, simulation_id, execution_time desc, pattern_id desc);
create index failure_patterns_time on public.failure_patterns (user_id, execution_time desc, pattern_id desc);
create index failure_patterns_signature on public.failure_patterns (user_id, signature, execution_time desc);

create table public.tool_usage (
  user_id uuid not null default public.current_user_id(),
  usage_id uuid not null default public.uuid_v7(),
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
  unique (user_id, outcome_id, tool_name),
  foreign key (user_id, outcome_id) references store.outcome_keys on delete cascade
);
create index tool_usage_simulation on public.tool_usage (user_id, simulation_id, execution_time desc, usage_id desc);
create index tool_usage_time on public.tool_usage (user_id, execution_time desc, usage_id desc);
create index tool_usage_tool on public.tool_usage (user_id, tool_name, execution_time desc, usage_id desc);
