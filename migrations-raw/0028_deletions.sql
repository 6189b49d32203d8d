/* Replaces a part of a function, which must stand in it once; its owner, rights and settings stay. */
create procedure store.mend(routine regprocedure, part text, mended text) language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare
  source constant text := pg_get_functiondef(routine);
begin
  if length(replace(source, part, '')) <> length(source) - length(part) then
    raise 'not once in %: %', routine, part;
  end if;
  execute replace(source, part, mended);
end $$;
revoke all on procedure store.mend(regprocedure, text, text) from public;

-- What people call their rows and say of them.
alter table public.configurations
  add column description text check (char_length(description) <= 10000),
  add column tags text[] not null default '{}' check (cardinality(tags) <= 20);
alter table public.simulations
  add column description text check (char_length(description) <= 10000),
  add column tags text[] not null default '{}' check (cardinality(tags) <= 20);
grant update (simulation_name, description, tags, priority) on public.simulations to app_user, app_admin;

drop trigger audit_step on public.simulations;
create trigger audit_step after update on public.simulations
  for each row when (
    (old.status, old.scenario_set, old.metadata, old.error_message, old.overall_score, old.simulation_name,
      old.description, old.tags, old.priority)
    is distinct from
    (new.status, new.scenario_set, new.metadata, new.error_message, new.overall_score, new.simulation_name,
      new.description, new.tags, new.priority))
  execute function store.audit();

-- For how long what is deleted can be taken back. Null: until somebody deletes it for good.
alter table store.settings add column deleted_days integer default 30 check (deleted_days between 1 and 36500);

create function store.purge_time() returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (select now() + make_interval(days => deleted_days) from store.settings);

-- What is deleted stays where it is and is seen by nobody: not in lists, not in figures, not by its key, because the policies
-- and views below leave out what has a row here. Without that row it is there again. When its time has come the job
-- purge_deleted deletes it for good.
create table public.deletions (
  user_id uuid not null default public.current_user_id(),
  deletion_id uuid not null default public.uuid_v7(),
  config_id uuid,
  scenario_id text,
  simulation_id uuid,
  kind text not null generated always as (
    case when simulation_id is not null then 'simulation' when scenario_id is not null then 'scenario' else 'configuration' end) stored,
  name text not null,
  -- Of a simulation: what it ran, and the deletion that took it along.
  of_config_id uuid,
  with_deletion_id uuid,
  -- Of a configuration: whether it was active.
  was_active boolean,
  deleted_at timestamptz(3) not null default now(),
  deleted_by text default public.current_actor_id(),
  -- From then on it cannot be taken back.
  purge_at timestamptz(3) default store.purge_time(),
  primary key (user_id, deletion_id),
  unique (user_id, config_id),
  unique (user_id, scenario_id),
  unique (user_id, simulation_id),
  foreign key (user_id, config_id) references public.configurations on delete cascade,
  foreign key (user_id, scenario_id) references public.scenarios on delete cascade,
  foreign key (user_id, simulation_id) references public.simulations on delete cascade,
  foreign key (user_id, with_deletion_id) references public.deletions on delete set null (with_deletion_id),
  check (num_nonnulls(config_id, scenario_id, simulation_id) = 1)
);
create index deletions_deleted on public.deletions (user_id, deleted_at desc, deletion_id desc);
create index deletions_with on public.deletions (user_id, with_deletion_id) where with_deletion_id is not null;
create index deletions_of_config on public.deletions (user_id, of_config_id) where of_config_id is not null;
create index deletions_purge on public.deletions (purge_at);
alter table public.deletions enable row level security;
alter table public.deletions force row level security;
create policy tenant on public.deletions
  using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()));
-- The job looks for what is due at all tenants, and then acts as each of them.
create policy owner_looks on public.deletions for select to arc_owner using (true);
grant select on public.deletions to app_user, app_readonly, app_admin, app_ingest;
grant insert, delete on public.deletions to app_user, app_admin;
grant update (purge_at) on public.deletions to app_admin;
grant execute on function store.purge_time() to app_user, app_admin;
create trigger audit after insert or update or delete on public.deletions for each row execute function store.audit();

-- For the owner's functions as well: nothing comes into a deleted simulation, and its outcomes are not amended. All else stays
-- visible to the owner, who has to know a key that is taken, and whose policies must leave `@@` to the index (0018).
create policy not_deleted on public.configurations as restrictive for select using (not exists (
  select from public.deletions d where d.user_id = configurations.user_id and d.config_id = configurations.config_id));
create policy not_deleted on public.simulations as restrictive for select using (not exists (
  select from public.deletions d where d.user_id = simulations.user_id and d.simulation_id = simulations.simulation_id));
do $$
declare
  part record;
begin
  for part in select * from (values
    ('config_versions', 'config_id'), ('config_diffs', 'config_id'), ('scenarios', 'scenario_id'),
    ('scenario_revisions', 'scenario_id'), ('simulations_scenarios', 'simulation_id'), ('failure_patterns', 'simulation_id'), ('tool_usage', 'simulation_id')) p(name, key)
  loop
    execute format($policy$
      create policy not_deleted on public.%1$I as restrictive for select to app_user, app_readonly, app_admin, app_ingest
      using (not exists (select from public.deletions d where d.user_id = %1$I.user_id and d.%2$I = %1$I.%2$I))$policy$,
      part.name, part.key);
  end loop;
end $$;

-- `is true` keeps the planner from making a join of it. Of a given simulation it takes such a join to be empty, and then reads all
-- rows rather than by an index in order; as a condition it probes for few rows and makes a hash for many.
create or replace view public.outcomes with (check_option = cascaded) as
  select user_id, outcome_id, simulation_id, scenario_id, repetition, execution_time, status, reliability_score,
    execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, modal_call_id, sandbox_id,
    error_code, error_category, retry_count, superseded, event_seq, recorded_at, trajectory, metrics,
    trajectory_embedding, embedding_model
  from store.outcomes o
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true;
create or replace view public.outcome_keys with (check_option = cascaded) as
  select user_id, outcome_id, simulation_id, execution_time
  from store.outcome_keys k
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = k.user_id and d.simulation_id = k.simulation_id)) is true;
do $$
declare
  name text;
begin
  foreach name in array array['outcome_hourly', 'outcome_daily'] loop
    execute format($view$
      create or replace view public.%1$I as
      select o.* from store.%1$I o
      where user_id = (select public.current_user_id())
        and (not exists (select from public.deletions d where d.user_id = o.user_id and d.simulation_id = o.simulation_id)) is true$view$,
      name);
  end loop;
end $$;

call store.mend('store.outcome_at(uuid,uuid,timestamptz)', $part$
  return found;$part$, $mended$
  if exists (select from public.deletions d where d.user_id = tenant and d.simulation_id = found.simulation_id) then
    return null;
  end if;
  return found;$mended$);

-- That a simulation went and came back are steps of it as any other: whoever follows it, or the tenant, hears of them.
alter table public.simulation_events drop constraint simulation_events_kind_check;
alter table public.simulation_events add constraint simulation_events_kind_check
  check (kind in ('STARTED', 'PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED', 'AMENDED', 'DELETED', 'RESTORED'));

call store.mend('store.write_simulation_event()', $part$
    case
      when new.status <> before then$part$, $mended$
    case
      -- Set by step_of_deletion below, for its one statement.
      when current_setting('app.event_kind', true) <> '' then current_setting('app.event_kind', true)
      when new.status <> before then$mended$);

-- While the simulation can be seen: before its deletion is there, and after it is gone.
create function store.step_of_deletion() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  step public.deletions := case when tg_op = 'INSERT' then new else old end;
begin
  if current_setting('app.event_kind', true) is distinct from 'PURGED' then
    perform set_config('app.event_kind', case when tg_op = 'INSERT' then 'DELETED' else 'RESTORED' end, true);
    update public.simulations s set event_seq = event_seq + 1
      where s.user_id = step.user_id and s.simulation_id = step.simulation_id;
    perform set_config('app.event_kind', '', true);
  end if;
  return step;
end $$;
create trigger step_deleted before insert on public.deletions
  for each row when (new.simulation_id is not null) execute function store.step_of_deletion();
create trigger step_restored after delete on public.deletions
  for each row when (old.simulation_id is not null) execute function store.step_of_deletion();

-- The latest number, also where its simulation has been deleted for good.
create view public.change_counters as
  select user_id, latest from store.change_counters where user_id = (select public.current_user_id());
grant select on public.change_counters to app_user, app_readonly, app_admin, app_ingest;

insert into store.jobs (name, every) values ('purge_deleted', interval '1 hour');
create function store.purge_soon() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update store.jobs set due_at = now() where name = 'purge_deleted';
  return null;
end $$;
create trigger purge_soon after update of purge_at on public.deletions
  for each statement execute function store.purge_soon();

/*
One step of deleting for good what is due, of any tenant: up to `most` outcomes of a simulation, or what is left of it, or a
configuration or scenario that nothing refers to any more. Answers how many rows of `deletions` and outcomes are gone, and
whether there was anything to do. Whoever calls it decides nothing: what is due was decided when it was deleted.
*/
create function public.purge_deleted(most integer, out purged integer, out outcomes integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  gone public.deletions;
begin
  purged := 0;
  outcomes := 0;
  for gone in
    select d.* from public.deletions d
    where d.purge_at <= now()
    order by d.kind desc, d.purge_at -- simulations, then scenarios, then configurations
  loop
    -- Row-level security binds the tables' owner as well.
    perform set_config('app.user_id', gone.user_id::text, true);
    if gone.simulation_id is not null then
      delete from store.outcome_keys k where k.user_id = gone.user_id and k.outcome_id = any (array(
        select o.outcome_id from store.outcome_keys o
        where o.user_id = gone.user_id and o.simulation_id = gone.simulation_id limit most));
      get diagnostics outcomes = row_count;
      exit when outcomes = most;
    elsif gone.scenario_id is not null then
      -- Of a simulation that may still be taken back.
      continue when exists (select from public.simulations_scenarios run
        where run.user_id = gone.user_id and run.scenario_id = gone.scenario_id);
    else
      continue when exists (select from public.deletions d
        where d.user_id = gone.user_id and d.of_config_id = gone.config_id);
    end if;
    -- Only now it can be seen, and so deleted.
    perform set_config('app.event_kind', 'PURGED', true);
    delete from public.deletions d where d.user_id = gone.user_id and d.deletion_id = gone.deletion_id;
    delete from public.simulations s where s.user_id = gone.user_id and s.simulation_id = gone.simulation_id;
    delete from public.scenarios s where s.user_id = gone.user_id and s.scenario_id = gone.scenario_id;
    delete from public.configurations c where c.user_id = gone.user_id and c.config_id = gone.config_id;
    perform set_config('app.event_kind', '', true);
    purged := 1;
    exit;
  end loop;
  perform set_config('app.user_id', asking, true);
end $$;
revoke execute on function store.purge_time(), store.step_of_deletion(), store.purge_soon(), public.purge_deleted(integer) from public;
grant execute on function store.purge_time() to app_user, app_admin;
grant execute on function public.purge_deleted(integer) to app_user;

-- What people write under an outcome.
create table public.outcome_notes (
  user_id uuid not null default public.current_user_id(),
  note_id uuid not null default public.uuid_v7(),
  outcome_id uuid not null,
  simulation_id uuid not null,
  text text not null check (char_length(text) between 1 and 10000),
  author text default public.current_actor_id(),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, note_id),
  foreign key (user_id, outcome_id) references store.outcome_keys on delete cascade,
  check (updated_at >= created_at)
);
create index outcome_notes_outcome on public.outcome_notes (user_id, outcome_id, note_id);
create index outcome_notes_created on public.outcome_notes (user_id, created_at desc, note_id desc);
alter table public.outcome_notes enable row level security;
alter table public.outcome_notes force row level security;
create policy tenant on public.outcome_notes
  using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()));
create policy not_deleted on public.outcome_notes as restrictive for select to app_user, app_readonly, app_admin
  using (not exists (select from public.deletions d where d.user_id = outcome_notes.user_id and d.simulation_id = outcome_notes.simulation_id));
grant select on public.outcome_notes to app_user, app_readonly, app_admin;
grant insert, delete, update (text) on public.outcome_notes to app_user, app_admin;
create trigger touch_updated_at before update on public.outcome_notes
  for each row execute function store.touch_updated_at();
create trigger audit after insert or update or delete on public.outcome_notes for each row execute function store.audit();

call store.pin_settings();
