-- Native range partitions, one a month. What is older than the first of them (imported history) and what comes when
-- nobody made the next one lies in the default partition. The foreign key to simulations is that of outcome_keys.
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
) partition by range (execution_time);
alter table store.outcomes alter column trajectory_embedding set storage plain;

create index outcomes_time on store.outcomes (user_id, execution_time desc, outcome_id desc);
create index outcomes_simulation on store.outcomes (user_id, simulation_id, execution_time desc, outcome_id desc);
create index outcomes_scenario on store.outcomes (user_id, scenario_id, execution_time desc, outcome_id desc);
create index outcomes_failed on store.outcomes (user_id, execution_time desc, outcome_id desc) where status <> 'success';

create table store.outcomes_default partition of store.outcomes default;

/* Makes the monthly partitions from the month of `first` to the month of `last`; returns how many were missing. */
create function store.ensure_outcome_partitions(first date, last date) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  month date := date_trunc('month', first);
  made integer := 0;
  name text;
  lower_bound timestamptz;
  upper_bound timestamptz;
begin
  perform pg_advisory_xact_lock(hashtext('arc.outcome_partitions'));
  while month <= last loop
    name := 'outcomes_' || to_char(month, 'YYYY_MM');
    if to_regclass('store.' || name) is null then
      lower_bound := month::timestamp at time zone 'UTC';
      upper_bound := (month + interval '1 month')::timestamp at time zone 'UTC';
      execute format('create table store.%I (like store.outcomes including defaults including constraints including indexes including storage)', name);
      -- ATTACH fails while the default partition holds rows of the month.
      execute format('with strays as (delete from store.outcomes_default where execution_time >= %L and execution_time < %L returning *) insert into store.%I select * from strays', lower_bound, upper_bound, name);
      execute format('alter table store.outcomes attach partition store.%I for values from (%L) to (%L)', name, lower_bound, upper_bound);
      made := made + 1;
    end if;
    month := month + interval '1 month';
  end loop;
  return made;
end $$;
revoke execute on function store.ensure_outcome_partitions(date, date) from public;

/* Drops the monthly partitions in which everything is older. */
create function store.drop_outcomes_before(oldest timestamptz) returns void language plpgsql as $$
declare
  part regclass;
begin
  for part in
    select c.oid
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'store.outcomes'::regclass and c.relname ~ '^outcomes_\d{4}_\d\d$'
      and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= oldest
  loop
    execute format('drop table %s', part);
  end loop;
end $$;

/* This month's partition and the next two: called by the server at start and daily. */
create function public.prepare_outcome_storage() returns integer
  language sql security definer set search_path = pg_catalog, pg_temp
  as $$ select store.ensure_outcome_partitions(current_date, (current_date + interval '2 months')::date) $$;
