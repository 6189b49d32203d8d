create table public.simulations (
  user_id uuid not null default public.current_user_id(),
  simulation_id uuid not null default public.uuid_v7(),
  config_version_id uuid not null,
  scenario_set text[] not null check (cardinality(scenario_set) between 1 and 100000),
  repetitions integer not null default 1 check (repetitions between 1 and 1000),
  simulation_name text check (char_length(simulation_name) <= 200),
  status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
  modal_app_id text check (char_length(modal_app_id) <= 200),
  modal_environment text not null default 'production' check (char_length(modal_environment) <= 200),
  sandbox_instances integer not null default 1 check (sandbox_instances > 0),
  total_scenarios integer not null check (total_scenarios > 0),
  -- Runs that ended with success, and runs that ended in any other way.
  completed_scenarios integer not null default 0 check (completed_scenarios >= 0),
  failed_scenarios integer not null default 0 check (failed_scenarios >= 0),
  -- The mean score so far is score_sum / scored_scenarios: ungraded runs count in neither.
  scored_scenarios integer not null default 0 check (scored_scenarios >= 0),
  score_sum double precision not null default 0,
  overall_score double precision check (overall_score between 0 and 1),
  execution_time_ms bigint not null default 0 check (execution_time_ms >= 0),
  total_tokens bigint not null default 0 check (total_tokens >= 0),
  total_cost_usd numeric(12, 6) not null default 0 check (total_cost_usd >= 0),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  timeout_ms integer not null default 300000 check (timeout_ms > 0),
  max_retries integer not null default 3 check (max_retries >= 0),
  priority integer not null default 5 check (priority between 1 and 10),
  error_message text check (char_length(error_message) <= 10000),
  event_seq bigint not null default 0,
  created_at timestamptz(3) not null default now(),
  started_at timestamptz(3),
  completed_at timestamptz(3),
  primary key (user_id, simulation_id),
  foreign key (user_id, config_version_id) references public.config_versions,
  constraint total_is_scenarios_times_repetitions check (total_scenarios = cardinality(scenario_set) * repetitions),
  constraint counts_within_total check (completed_scenarios + failed_scenarios <= total_scenarios),
  constraint ended_has_completed_at check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  constraint begun_has_started_at check (status not in ('running', 'completed') or started_at is not null),
  constraint started_after_created check (started_at >= created_at),
  constraint completed_after_started check (completed_at >= started_at)
);
create index simulations_created on public.simulations (user_id, created_at desc, simulation_id desc);
create index simulations_version on public.simulations (user_id, config_version_id, created_at desc, simulation_id desc);
create index simulations_status on public.simulations (user_id, status, created_at desc, simulation_id desc);

-- One row for each run that a simulation has to make. Each is updated when its run ends: where its page has room for
-- that, no index gets an entry.
create table public.simulations_scenarios (
  user_id uuid not null default public.current_user_id(),
  simulation_id uuid not null,
  scenario_id text not null,
  repetition integer not null default 1 check (repetition > 0),
  execution_order integer not null,
  status text not null default 'pending' check (status in ('pending', 'running', 'success', 'error', 'timeout', 'cancelled')),
  modal_call_id text,
  attempts integer not null default 0 check (attempts >= 0),
  -- The outcome of the latest attempt.
  outcome_id uuid,
  started_at timestamptz(3),
  completed_at timestamptz(3),
  primary key (user_id, simulation_id, scenario_id, repetition),
  foreign key (user_id, simulation_id) references public.simulations on delete cascade,
  foreign key (user_id, scenario_id) references public.scenarios
) with (fillfactor = 70);
create index simulations_scenarios_order
  on public.simulations_scenarios (user_id, simulation_id, execution_order, repetition);
-- With the repetition too: without it the planner may look up one run here and read all repetitions of its scenario.
create index simulations_scenarios_scenario
  on public.simulations_scenarios (user_id, scenario_id, simulation_id, repetition);

-- What happened to a simulation, in order and without a gap: `seq` is taken under the simulation's row lock.
create table public.simulation_events (
  user_id uuid not null,
  simulation_id uuid not null,
  seq bigint not null check (seq > 0),
  kind text not null check (kind in ('STARTED', 'PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED')),
  status text not null,
  total_scenarios integer not null,
  completed_scenarios integer not null,
  failed_scenarios integer not null,
  mean_score double precision,
  total_tokens bigint not null,
  total_cost_usd numeric(12, 6) not null,
  created_at timestamptz(3) not null default clock_timestamp(),
  primary key (user_id, simulation_id, seq),
  foreign key (user_id, simulation_id) references public.simulations on delete cascade
);

-- Only forward, and never out of an end state.
create function store.check_simulation_step() returns trigger language plpgsql as $$
begin
  if old.status in ('completed', 'failed', 'cancelled') or new.status = 'pending' then
    raise exception 'a simulation cannot go from % to %', old.status, new.status using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger a_check_step before update of status on public.simulations
  for each row when (old.status is distinct from new.status) execute function store.check_simulation_step();

-- Each visible step of a simulation is one event: numbered here, written and announced after. Because a trigger
-- does it, no statement can make progress that subscribers don't hear of.
create function store.number_simulation_event() returns trigger language plpgsql as $$
begin
  new.event_seq := old.event_seq + 1;
  return new;
end $$;
create trigger b_number_event before update on public.simulations
  for each row when (
    (old.status, old.completed_scenarios, old.failed_scenarios, old.score_sum, old.total_cost_usd, old.total_tokens,
      old.event_seq)
    is distinct from
    (new.status, new.completed_scenarios, new.failed_scenarios, new.score_sum, new.total_cost_usd, new.total_tokens,
      new.event_seq))
  execute function store.number_simulation_event();

create function store.number_first_simulation_event() returns trigger language plpgsql as $$
begin
  new.event_seq := 1;
  return new;
end $$;
create trigger b_number_first_event before insert on public.simulations
  for each row when (new.status = 'running') execute function store.number_first_simulation_event();

create function store.write_simulation_event() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  before text := case when tg_op = 'UPDATE' then old.status else 'pending' end;
begin
  insert into public.simulation_events
    (user_id, simulation_id, seq, kind, status, total_scenarios, completed_scenarios, failed_scenarios, mean_score,
     total_tokens, total_cost_usd)
  values (
    new.user_id, new.simulation_id, new.event_seq,
    case when new.status = before then 'PROGRESS' when new.status = 'running' then 'STARTED' else upper(new.status) end,
    new.status, new.total_scenarios, new.completed_scenarios, new.failed_scenarios,
    new.score_sum / nullif(new.scored_scenarios, 0), new.total_tokens, new.total_cost_usd);
  -- A hint, not the truth: it names no tenant because every role may LISTEN.
  perform pg_notify('arc_events', new.simulation_id || ':' || new.event_seq);
  return null;
end $$;
create trigger write_event after update on public.simulations
  for each row when (old.event_seq is distinct from new.event_seq) execute function store.write_simulation_event();
create trigger write_first_event after insert on public.simulations
  for each row when (new.event_seq > 0) execute function store.write_simulation_event();
