-- What a scenario asked for, and what a right answer was, at each of its revisions: outcomes of different revisions are not alike.
create table public.scenario_revisions (
  user_id uuid not null default public.current_user_id(),
  scenario_id text not null,
  revision integer not null check (revision > 0),
  task_prompt text not null,
  ground_truth jsonb,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, scenario_id, revision),
  foreign key (user_id, scenario_id) references public.scenarios on delete cascade
);
alter table public.scenario_revisions enable row level security;
alter table public.scenario_revisions force row level security;
create policy tenant on public.scenario_revisions
  using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()));
grant select on public.scenario_revisions to app_user, app_readonly, app_admin, app_ingest;

/* Only this writes them, so that no way of changing a scenario loses what it was. */
create function store.keep_scenario_revision() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
begin
  -- Whoever changes it past the server may act for no tenant.
  perform set_config('app.user_id', new.user_id::text, true);
  insert into public.scenario_revisions (user_id, scenario_id, revision, task_prompt, ground_truth)
    values (new.user_id, new.scenario_id, new.revision, new.task_prompt, new.ground_truth);
  perform set_config('app.user_id', asking, true);
  return null;
end $$;
create trigger keep_revision after insert on public.scenarios
  for each row execute function store.keep_scenario_revision();
create trigger keep_changed_revision after update on public.scenarios
  for each row when (old.revision is distinct from new.revision) execute function store.keep_scenario_revision();

-- Of scenarios that were there before, what they are now is all that is known. Row-level security binds the owner as well.
do $$
declare
  tenant uuid;
begin
  alter table public.scenarios no force row level security;
  for tenant in select distinct user_id from public.scenarios loop
    perform set_config('app.user_id', tenant::text, true);
    insert into public.scenario_revisions (scenario_id, revision, task_prompt, ground_truth, created_at)
      select scenario_id, revision, task_prompt, ground_truth, updated_at from public.scenarios where user_id = tenant;
  end loop;
  perform set_config('app.user_id', '', true);
  alter table public.scenarios force row level security;
end $$;
