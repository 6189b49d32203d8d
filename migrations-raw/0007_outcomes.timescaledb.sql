-- A hypertable, in chunks of seven days of execution time. It has no foreign key, outcome_keys has: each new chunk would
-- take the key over, which locks simulations against the very batches that wait for the chunk.
create table store.outcomes (
  user_id uuid not null,
  outcome_id uuid not null,
  simulation_id uuid not null,
  scenario_id text not null,
  repetition integer not null default 1 check (repetition > 0),
  execution_time timestamptz(3) not null,
  status text not null check (status in ('success', 'error', 'timeout', 'cancelled')),
  reliability_score double precision check (reliability_score between 0 and 1),
  execution_time_ms integer check (execution_time_ms >= 0),
  tokens_used integer check (tokens_used >= 0),
  prompt_tokens integer check (prompt_tokens >= 0),
  completion_tokens integer check (completion_tokens >= 0),
  cost_usd numeric(12, 6) check (cost_usd >= 0),
  model text,
  modal_call_id text,
  sandbox_id text,
  error_code text,
  error_category text check (error_category in
    ('timeout', 'tool_error', 'model_error', 'validation_error', 'system_error', 'sandbox_error', 'unknown')),
  retry_count integer not null default 0 check (retry_count >= 0),
  event_seq bigint not null,
  recorded_at timestamptz(3) not null default now(),
  trajectory jsonb not null
    check (jsonb_typeof(trajectory) = 'object' and trajectory ? 'start_time' and trajectory ? 'status'),
  metrics jsonb not null default '{}' check (jsonb_typeof(metrics) = 'object'),
  trajectory_embedding halfvec(1536),
  embedding_model text,
  primary key (user_id, outcome_id, execution_time)
);
alter table store.outcomes alter column trajectory_embedding set storage plain;

select create_hypertable('store.outcomes', by_range('execution_time', interval '7 days'), create_default_indexes => false);

create index outcomes_time on store.outcomes (user_id, execution_time desc, outcome_id desc);
create index outcomes_simulation on store.outcomes (user_id, simulation_id, execution_time desc, outcome_id desc);
create index outcomes_scenario on store.outcomes (user_id, scenario_id, execution_time desc, outcome_id desc);
create index outcomes_failed on store.outcomes (user_id, execution_time desc, outcome_id desc) where status <> 'success';

/* Drops the chunks in which everything is older. */
create function store.drop_outcomes_before(oldest timestamptz) returns void language plpgsql as $$
begin
  perform public.drop_chunks('store.outcomes', older_than => oldest);
end $$;

/* The extension makes chunks as rows come: nothing to prepare. Same name as on plain PostgreSQL. */
create function public.prepare_outcome_storage() returns integer
  language sql immutable
  return 0;
