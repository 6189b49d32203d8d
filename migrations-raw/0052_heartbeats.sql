-- A runner that vanished leaves a simulation that would run for ever. What it sends are its signs of life: outcomes, and between
-- them heartbeats. A simulation without either for as long as one of its runs may take is failed by a job; that is no more than
-- a presumption, so the next sign of life takes it up again.

-- Simulations that are there already were started by runners that know of no heartbeat.
alter table public.simulations
  add column fail_when_silent boolean not null default false,
  add column runner_lost boolean not null default false,
  add constraint lost_has_failed check (not runner_lost or status = 'failed');
alter table public.simulations alter column fail_when_silent set default true;
create index simulations_watched on public.simulations (user_id, simulation_id) where status = 'running' and fail_when_silent;

-- Apart from what they are about: a heartbeat is no step, and waits for nobody who stores outcomes. No index has the time, so that
-- each lies down beside the one before it.
create table store.simulation_heartbeats (
  user_id uuid not null,
  simulation_id uuid not null,
  beat_at timestamptz(3) not null default now(),
  primary key (user_id, simulation_id),
  foreign key (user_id, simulation_id) references public.simulations on delete cascade
) with (fillfactor = 50);
create table store.run_heartbeats (
  user_id uuid not null,
  simulation_id uuid not null,
  scenario_id text not null,
  repetition integer not null,
  beat_at timestamptz(3) not null default now(),
  primary key (user_id, simulation_id, scenario_id, repetition),
  constraint run_heartbeats_run_fkey foreign key (user_id, simulation_id, scenario_id, repetition)
    references public.simulations_scenarios on delete cascade
) with (fillfactor = 50);

create view public.simulation_heartbeats as
  select user_id, simulation_id, beat_at from store.simulation_heartbeats h
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = h.user_id and d.simulation_id = h.simulation_id)) is true;
create view public.run_heartbeats as
  select user_id, simulation_id, scenario_id, repetition, beat_at from store.run_heartbeats h
  where user_id = (select public.current_user_id())
    and (not exists (select from public.deletions d where d.user_id = h.user_id and d.simulation_id = h.simulation_id)) is true;
grant select on public.simulation_heartbeats, public.run_heartbeats to app_user, app_readonly, app_admin, app_ingest;

-- Out of an end that was presumed leads what leads out of one that was said too early.
call store.mend('store.check_simulation_step()', $part$
  if old.status = 'completed' and new.status = 'running' and current_user = 'arc_owner' then$part$, $mended$
  if (old.status = 'completed' or old.runner_lost) and new.status = 'running' and current_user = 'arc_owner' then$mended$);
call store.mend('public.reopen_simulation(uuid)', $part$
  update public.simulations s set status = 'running', completed_at = null, overall_score = null
    where s.user_id = tenant and s.simulation_id = simulation and s.status = 'completed' and s.result_given = '{}';$part$, $mended$
  update public.simulations s
    set status = 'running', completed_at = null, overall_score = null, runner_lost = false, error_message = null
    where s.user_id = tenant and s.simulation_id = simulation
      and (s.runner_lost or s.status = 'completed' and s.result_given = '{}');$mended$);

call store.mend('public.ingest_outcomes(jsonb)', $part$
  told uuid[] := '{}';
begin$part$, $mended$
  told uuid[] := '{}';
  lost uuid[];
begin$mended$);
call store.mend('public.ingest_outcomes(jsonb)', $part$
  perform from public.simulations s
    where s.user_id = (select tenant)
      and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid)
    order by s.simulation_id
    for no key update;
$part$, $mended$
  with locked as (
    select s.simulation_id, s.runner_lost from public.simulations s
    where s.user_id = (select tenant)
      and s.simulation_id in (select jsonb_array_elements_text(batch -> 'simulation_ids')::uuid)
    order by s.simulation_id
    for no key update
  )
  select array_agg(l.simulation_id) filter (where l.runner_lost) into lost from locked l;
  -- Whoever was taken for gone is there.
  perform public.reopen_simulation(id) from unnest(lost) id;
$mended$);

/*
Says that a simulation goes on, and one of its runs where `scenario` is given: both are running from the first time on. Answers
why that cannot be, or null. What is told again and again costs one small row each, and no wait for the disk.
*/
create function public.heartbeat(simulation uuid, scenario text, nth integer) returns text
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant constant uuid := public.current_user_id();
  found_simulation record;
  run_status text;
begin
  if tenant is null then
    raise insufficient_privilege using message = 'no tenant is set for this transaction';
  end if;
  select s.status, s.runner_lost, scenario = any (s.scenario_set) as is_planned into found_simulation
    from public.simulations s where s.user_id = tenant and s.simulation_id = simulation;
  if not found then
    return 'SIMULATION_NOT_FOUND';
  end if;
  if scenario is not null then
    select r.status into run_status from public.simulations_scenarios r
      where r.user_id = tenant and r.simulation_id = simulation and r.scenario_id = scenario and r.repetition = nth;
    if not found then
      return case when found_simulation.is_planned then 'REPETITION_OUT_OF_RANGE' else 'SCENARIO_NOT_IN_SIMULATION' end;
    end if;
  end if;
  if found_simulation.status = 'pending' or found_simulation.runner_lost
    or found_simulation.status = 'running' and run_status = 'pending'
  then
    -- A step, and so in turn with those that store outcomes: their statement finds runs at the place where it saw them.
    select s.status, s.runner_lost into found_simulation
      from public.simulations s where s.user_id = tenant and s.simulation_id = simulation
      for no key update;
    if found_simulation.runner_lost then
      perform public.reopen_simulation(simulation);
      found_simulation.status := 'running';
    elsif found_simulation.status = 'pending' then
      update public.simulations s set status = 'running', started_at = greatest(now(), s.created_at)
        where s.user_id = tenant and s.simulation_id = simulation;
      found_simulation.status := 'running';
    end if;
    if found_simulation.status = 'running' then
      update public.simulations_scenarios r set status = 'running', started_at = now()
        where r.user_id = tenant and r.simulation_id = simulation and r.scenario_id = scenario and r.repetition = nth
          and r.status = 'pending';
    end if;
  else
    -- A heartbeat that is lost with the server's power is followed by the next one.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if found_simulation.status <> 'running' then
    return 'SIMULATION_ENDED';
  end if;
  if scenario is not null then
    update store.run_heartbeats h set beat_at = now()
      where h.user_id = tenant and h.simulation_id = simulation and h.scenario_id = scenario and h.repetition = nth;
    if not found then
      insert into store.run_heartbeats (user_id, simulation_id, scenario_id, repetition)
        values (tenant, simulation, scenario, nth) on conflict do nothing;
    end if;
  end if;
  -- Hundreds of sandboxes share this row: once a second is enough, and the others do not wait for it. ON CONFLICT DO UPDATE would
  -- lock it for each.
  update store.simulation_heartbeats h set beat_at = now()
    where h.user_id = tenant and h.simulation_id = simulation and h.beat_at < now() - interval '1 second';
  if not found then
    insert into store.simulation_heartbeats (user_id, simulation_id) values (tenant, simulation) on conflict do nothing;
  end if;
  return null;
end $$;
revoke execute on function public.heartbeat(uuid, text, integer) from public;
grant execute on function public.heartbeat(uuid, text, integer) to app_user, app_admin, app_ingest;

-- Since when runners can be heard: while the database or all servers were away, silence means nothing.
alter table store.settings add column hearing_since timestamptz not null default now();
insert into store.jobs (name, every) values ('fail_silent_simulations', interval '30 seconds');

-- Acting for no tenant, the job sees what runs at all of them; then it acts as each.
create policy owner_watches on public.simulations for select to arc_owner
  using ((select public.current_user_id()) is null and status = 'running');

/* When a simulation gave its last sign of life: its latest event, of which each stored batch is one, or a later heartbeat. */
create function store.heard_at(tenant uuid, simulation uuid, latest bigint) returns timestamptz
  language sql stable security definer set search_path = pg_catalog, pg_temp
  return (
    select greatest(e.created_at, h.beat_at)
    from public.simulation_events e
    left join store.simulation_heartbeats h on h.user_id = e.user_id and h.simulation_id = e.simulation_id
    where e.user_id = tenant and e.simulation_id = simulation and e.seq = latest
  );

/*
Fails running simulations of any tenant whose runner gave no sign of life for longer than their timeout_ms, up to `most` of them,
and answers how many. What somebody is writing into is not silent, so that several servers may do it at a time. Whoever calls it
decides nothing.
*/
create function public.fail_silent_simulations(most integer) returns integer
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  hearing timestamptz;
  tenants uuid[];
  simulations uuid[];
  silent record;
  failed integer := 0;
begin
  update store.settings set hearing_since = now()
    where not exists (select from store.jobs j
      where j.name = 'fail_silent_simulations' and j.ended_at > now() - 4 * j.every);
  select hearing_since into hearing from store.settings;
  perform set_config('app.user_id', '', true);
  -- Those that cannot be silent yet need no look at their events.
  select array_agg(w.user_id), array_agg(w.simulation_id) into tenants, simulations
    from (
      select s.user_id, s.simulation_id
      from public.simulations s
      left join store.simulation_heartbeats h using (user_id, simulation_id)
      where s.status = 'running' and s.fail_when_silent
        and greatest(s.created_at, h.beat_at, hearing) <= now() - make_interval(secs => s.timeout_ms / 1000.0)
      order by s.user_id, s.simulation_id
    ) w;
  for place in 1 .. coalesce(cardinality(tenants), 0) loop
    exit when failed = most;
    -- Row-level security binds the tables' owner as well.
    perform set_config('app.user_id', tenants[place]::text, true);
    select s.timeout_ms into silent
      from public.simulations s
      where s.user_id = tenants[place] and s.simulation_id = simulations[place] and s.status = 'running'
        and store.heard_at(s.user_id, s.simulation_id, s.event_seq) <= now() - make_interval(secs => s.timeout_ms / 1000.0)
      for no key update skip locked;
    continue when not found;
    update public.simulations s
      set status = 'failed', runner_lost = true, completed_at = greatest(now(), s.started_at),
        error_message = format('The runner is taken for gone: no outcome and no heartbeat for %s seconds (timeoutMs). If it sends one after all, the simulation is running again.',
          trim_scale(silent.timeout_ms / 1000.0))
      where s.user_id = tenants[place] and s.simulation_id = simulations[place];
    failed := failed + 1;
  end loop;
  perform set_config('app.user_id', asking, true);
  return failed;
end $$;
revoke execute on function store.heard_at(uuid, uuid, bigint), public.fail_silent_simulations(integer) from public;
grant execute on function public.fail_silent_simulations(integer) to app_user;

call store.pin_settings();
