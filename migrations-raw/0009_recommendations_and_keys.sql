create table public.recommendations (
  user_id uuid not null default public.current_user_id(),
  recommendation_id uuid not null default public.uuid_v7(),
  source_type text not null check (source_type in ('simulation', 'outcome', 'config_diff', 'pattern_analysis')),
  source_id uuid not null,
  recommendation_type text not null check (recommendation_type in
    ('config_change', 'scenario_addition', 'tool_optimization', 'performance_tuning')),
  description text not null check (char_length(description) >= 10),
  suggested_yaml_changes text,
  impact_estimate jsonb,
  confidence double precision not null check (confidence between 0 and 1),
  applied boolean not null default false,
  applied_at timestamptz(3),
  applied_by text,
  feedback_score integer check (feedback_score between 1 and 5),
  created_at timestamptz(3) not null default now(),
  primary key (user_id, recommendation_id),
  check (applied = (applied_at is not null))
);
create index recommendations_confidence on public.recommendations (user_id, confidence desc, recommendation_id desc);
create index recommendations_source on public.recommendations (user_id, source_type, source_id);

create table public.api_keys (
  user_id uuid not null default public.current_user_id(),
  key_id uuid not null default public.uuid_v7(),
  name text not null check (char_length(name) between 1 and 100),
  prefix text not null check (char_length(prefix) between 4 and 20),
  -- SHA-256 of the secret, which is shown once and never stored.
  secret_hash bytea not null unique check (octet_length(secret_hash) = 32),
  role text not null check (role in ('app_user', 'app_readonly', 'app_admin')),
  scopes text[] not null default '{}',
  created_by text,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  last_used_at timestamptz(3),
  revoked_at timestamptz(3),
  primary key (user_id, key_id)
);
create index api_keys_created on public.api_keys (user_id, created_at desc, key_id desc);
