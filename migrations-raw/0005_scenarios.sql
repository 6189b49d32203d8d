create table public.scenarios (
  user_id uuid not null default public.current_user_id(),
  scenario_id text not null check (scenario_id ~ '^[a-z0-9_]+$' and char_length(scenario_id) <= 100),
  -- The source's own id, which may be any text.
  external_id text check (char_length(external_id) <= 500),
  source text check (char_length(source) <= 200),
  name text not null check (char_length(name) between 1 and 200),
  task_prompt text not null check (octet_length(task_prompt) between 1 and 1048576),
  ground_truth jsonb,
  difficulty_level text not null default 'medium' check (difficulty_level in ('easy', 'medium', 'hard')),
  tags text[] not null default '{}' check (cardinality(tags) <= 20),
  scenario_embedding halfvec(1536),
  embedding_model text,
  expected_tools jsonb,
  is_active boolean not null default true,
  estimated_duration_ms integer check (estimated_duration_ms > 0),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  -- SHA-256 over all that describes the scenario; `revision` counts the changes of prompt or ground truth.
  content_hash text not null check (content_hash ~ '^[0-9a-f]{64}$'),
  revision integer not null default 1 check (revision > 0),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, scenario_id),
  check (updated_at >= created_at)
);
alter table public.scenarios alter column scenario_embedding set storage plain;
create index scenarios_created on public.scenarios (user_id, created_at desc, scenario_id desc);
create index scenarios_external on public.scenarios (user_id, external_id);
create trigger touch_updated_at before update on public.scenarios
  for each row execute function store.touch_updated_at();
