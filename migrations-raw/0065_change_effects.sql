-- What changes of configurations did. The job measure_diffs compares runs of the version before a diff with runs of the version after it,
-- and finds from all that was measured what each changed path does, by which the next diff is predicted. What is to be measured (anew) is
-- marked by whatever changes runs that completed, as hours are for the roll-ups: only added to, so that nobody who stores outcomes waits.

-- What a diff changed, as it can be met again in others (src/evaluation/effects/changeKeys.ts).
create table public.diff_changes (
  user_id uuid not null default public.current_user_id(),
  diff_id uuid not null,
  path text not null check (char_length(path) <= 500),
  op text not null check (op in ('add', 'remove', 'replace')),
  direction text check (direction in ('increase', 'decrease')),
  value_before text check (char_length(value_before) <= 200),
  value_after text check (char_length(value_after) <= 200),
  primary key (user_id, diff_id, path),
  foreign key (user_id, diff_id) references public.config_diffs on delete cascade
);

-- What was measured, of each metric that both runs have values of.
create table public.diff_effects (
  user_id uuid not null default public.current_user_id(),
  diff_id uuid not null,
  metric text not null check (metric in ('success', 'score', 'cost', 'tokens', 'duration')),
  baseline_id uuid not null,
  candidate_id uuid not null,
  -- How many pairs of runs there are, of which the latest is this.
  run_pairs bigint not null check (run_pairs > 0),
  -- When the later of the two was complete.
  completed_at timestamptz(3) not null,
  -- That both have values of, in one revision; and how many of those that both have were left out for their revisions.
  scenarios integer not null check (scenarios > 0),
  revised_scenarios integer not null check (revised_scenarios >= 0),
  baseline_mean double precision not null,
  candidate_mean double precision not null,
  difference double precision not null,
  lower double precision,
  upper double precision,
  p_value double precision not null check (p_value between 0 and 1),
  verdict text not null check (verdict in ('BETTER', 'WORSE', 'NO_DIFFERENCE', 'INSUFFICIENT_DATA')),
  -- What counts over diffs: the difference, or of cost, tokens and duration the logarithm of the ratio; and its squared standard error.
  effect double precision,
  variance double precision check (variance > 0),
  measured_at timestamptz(3) not null default now(),
  primary key (user_id, diff_id, metric),
  foreign key (user_id, diff_id) references public.config_diffs on delete cascade,
  foreign key (user_id, baseline_id) references public.simulations on delete cascade,
  foreign key (user_id, candidate_id) references public.simulations on delete cascade,
  constraint has_both_bounds check ((lower is null) = (upper is null))
);
create index diff_effects_baseline on public.diff_effects (user_id, baseline_id);
create index diff_effects_candidate on public.diff_effects (user_id, candidate_id);

-- What each change does, over all diffs of the tenant.
create table public.change_effects (
  user_id uuid not null default public.current_user_id(),
  effect_key text not null generated always as (md5(
    path || chr(31) || op || chr(31) || coalesce(direction, '') || chr(31) || coalesce(value_before, '') || chr(31)
      || coalesce(value_after, '') || chr(31) || metric)) stored,
  path text not null check (char_length(path) <= 500),
  op text not null check (op in ('add', 'remove', 'replace')),
  direction text check (direction in ('increase', 'decrease')),
  value_before text check (char_length(value_before) <= 200),
  value_after text check (char_length(value_after) <= 200),
  metric text not null check (metric in ('success', 'score', 'cost', 'tokens', 'duration')),
  -- Diffs that changed only this.
  only_diffs integer not null check (only_diffs >= 0),
  only_run_pairs bigint not null check (only_run_pairs >= 0),
  only_effect double precision,
  only_lower double precision,
  only_upper double precision,
  -- All that changed this, among others.
  diffs integer not null check (diffs > 0),
  run_pairs bigint not null check (run_pairs > 0),
  effect double precision,
  lower double precision,
  upper double precision,
  fitted_at timestamptz(3) not null default now(),
  primary key (user_id, effect_key),
  constraint only_are_among_all check (only_diffs <= diffs and only_run_pairs <= run_pairs),
  constraint only_has_both_bounds check ((only_lower is null) = (only_upper is null)),
  constraint has_both_bounds check ((lower is null) = (upper is null))
);
create index change_effects_diffs on public.change_effects (user_id, diffs desc, effect_key);

-- Diffs to measure; without one, that the tenant's effects are to be found anew.
create table public.stale_diffs (
  user_id uuid not null default public.current_user_id(),
  mark_id bigint generated always as identity,
  diff_id uuid,
  primary key (user_id, mark_id),
  foreign key (user_id, diff_id) references public.config_diffs on delete cascade
);
create index stale_diffs_diff on public.stale_diffs (user_id, diff_id);
create index stale_diffs_order on public.stale_diffs (mark_id);

do $$
declare
  name text;
begin
  foreach name in array array['diff_changes', 'diff_effects', 'change_effects', 'stale_diffs'] loop
    execute format('alter table public.%I enable row level security', name);
    execute format('alter table public.%I force row level security', name);
    execute format(
      'create policy tenant on public.%I using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()))',
      name);
  end loop;
end $$;
-- The server looks for what any tenant has to measure, and then acts as that tenant.
create policy owner_looks on public.stale_diffs for select to arc_owner using (true);
create policy not_deleted on public.diff_changes as restrictive for select to app_user, app_readonly, app_admin
  using (exists (
    select from public.config_diffs c where c.user_id = diff_changes.user_id and c.diff_id = diff_changes.diff_id));
grant select on public.diff_changes, public.diff_effects, public.change_effects to app_user, app_readonly, app_admin;
grant insert on public.diff_changes to app_user, app_admin;
grant insert, delete on public.diff_effects, public.change_effects to app_user;
grant select, insert, delete on public.stale_diffs to app_user, app_admin;

-- A prediction is made by the server soon after the diff, once: no act of a person.
grant update (impact_prediction) on public.config_diffs to app_user;
drop trigger audit on public.config_diffs;
create trigger audit after insert or delete on public.config_diffs for each row execute function store.audit();
create trigger audit_step after update on public.config_diffs
  for each row when (
    (old.approval_status, old.approved_by, old.approved_at, old.rejected_by, old.rejected_at, old.decision_comment)
    is distinct from
    (new.approval_status, new.approved_by, new.approved_at, new.rejected_by, new.rejected_at, new.decision_comment))
  execute function store.audit();

create function store.mark_diffs_of_version(tenant uuid, version uuid) returns void
  language sql set search_path = pg_catalog, pg_temp
  begin atomic
    insert into public.stale_diffs (user_id, diff_id)
      select d.user_id, d.diff_id
      from public.config_versions v
      join public.config_diffs d on d.user_id = v.user_id and d.config_id = v.config_id and v.version_id in (d.version_before, d.version_after)
      where v.user_id = tenant and v.version_id = version;
  end;
/* Whatever changes a run that completed is an event of it: its end, later outcomes, amendments, that it goes on. */
create function store.mark_diffs_of_run() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.mark_diffs_of_version(new.user_id, new.config_version_id);
  return null;
end $$;
create trigger mark_diffs after update on public.simulations
  for each row when ((old.status = 'completed' or new.status = 'completed') and old.event_seq is distinct from new.event_seq)
  execute function store.mark_diffs_of_run();
/* What was measured on a run goes with it at once, and comes back measured anew. */
create function store.mark_diffs_of_deletion() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  deletion constant public.deletions := case when tg_op = 'INSERT' then new else old end;
begin
  perform store.mark_diffs_of_version(s.user_id, s.config_version_id)
    from public.simulations s where s.user_id = deletion.user_id and s.simulation_id = deletion.simulation_id and s.status = 'completed';
  delete from public.diff_effects e
    where e.user_id = deletion.user_id and deletion.simulation_id in (e.baseline_id, e.candidate_id);
  return deletion;
end $$;
create trigger mark_diffs_deleted before insert on public.deletions
  for each row when (new.simulation_id is not null) execute function store.mark_diffs_of_deletion();
create trigger mark_diffs_restored after delete on public.deletions
  for each row when (old.simulation_id is not null) execute function store.mark_diffs_of_deletion();

/* The marks of any tenants behind one of them, the last of each diff, in their order. For the server itself. */
create function public.diffs_to_measure(behind bigint, most integer) returns table (tenant_id uuid, diff_id uuid, mark bigint)
  language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return query
    select s.user_id, s.diff_id, s.mark_id from public.stale_diffs s
    where s.mark_id > behind and not exists (
      select from public.stale_diffs later
      where later.user_id = s.user_id and later.diff_id is not distinct from s.diff_id and later.mark_id > s.mark_id)
    order by s.mark_id limit most;
end $$;
insert into store.jobs (name, every) values ('measure_diffs', interval '10 seconds');

revoke execute on function store.mark_diffs_of_version(uuid, uuid), store.mark_diffs_of_run(), store.mark_diffs_of_deletion(),
  public.diffs_to_measure(bigint, integer) from public;
grant execute on function public.diffs_to_measure(bigint, integer) to app_user;

alter table public.config_diffs no force row level security;
alter table public.stale_diffs no force row level security;
insert into public.stale_diffs (user_id, diff_id) select user_id, diff_id from public.config_diffs order by created_at, diff_id;
alter table public.config_diffs force row level security;
alter table public.stale_diffs force row level security;

call store.pin_settings();
