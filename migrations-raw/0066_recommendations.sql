-- Recommendations that Arc makes itself, from what runs have brought: each with what it rests on, and with a change of the YAML that can be
-- applied. A simulation that completes leaves a mark, by which a job looks at its configuration.

alter table public.recommendations
  -- Null: somebody made it.
  add column rule text check (rule in
    ('failing_tool', 'timeout_limit', 'uncovered_scenarios', 'cheaper_model', 'version_rollback', 'flaky_scenarios')),
  add column config_id uuid,
  -- What it was made for.
  add column config_version_id uuid,
  -- What within the configuration it is about: of those of one rule and subject one at most is open.
  add column subject text,
  -- SHA-256 of rule, configuration, subject and all that it rests on.
  add column fingerprint text check (fingerprint ~ '^[0-9a-f]{64}$'),
  add column facts jsonb,
  -- The figure that it rests on, and what it suggests: by them later evidence is told from the same.
  add column basis jsonb,
  -- As change_summary of a diff has them.
  add column suggested_changes jsonb,
  add column restores_version_id uuid,
  -- The language model that worded the description; null: Arc itself, or who made it.
  add column worded_by text check (char_length(worded_by) between 1 and 200),
  add column dismissed_at timestamptz(3),
  add column dismissed_by text,
  add column dismissal_reason text check (char_length(dismissal_reason) between 1 and 10000),
  add column superseded_by_id uuid,
  add column applied_version_id uuid,
  add column applied_diff_id uuid,
  -- As the estimate; of the runs up to this simulation.
  add column impact_actual jsonb,
  add column measured_at timestamptz(3),
  add column measured_simulation_id uuid,
  add column state text not null generated always as (
    case when applied then 'applied' when dismissed_at is not null then 'dismissed'
      when superseded_by_id is not null then 'superseded' else 'open' end) stored,
  add constraint recommendations_config foreign key (user_id, config_id) references public.configurations on delete cascade,
  add constraint recommendations_version foreign key (user_id, config_version_id) references public.config_versions on delete cascade,
  add constraint recommendations_restores foreign key (user_id, restores_version_id) references public.config_versions on delete cascade,
  add constraint recommendations_applied_version foreign key (user_id, applied_version_id) references public.config_versions on delete cascade,
  add constraint recommendations_applied_diff foreign key (user_id, applied_diff_id) references public.config_diffs on delete cascade,
  add constraint recommendations_superseded_by foreign key (user_id, superseded_by_id)
    references public.recommendations on delete set null (superseded_by_id),
  add constraint recommendations_measured foreign key (user_id, measured_simulation_id)
    references public.simulations on delete set null (measured_simulation_id),
  add constraint made_by_a_rule check (num_nonnulls(rule, config_id, config_version_id, subject, fingerprint, facts, basis) in (0, 7)),
  add constraint suggests_one_way check (num_nonnulls(suggested_changes, restores_version_id) <= 1),
  add constraint dismissed_open check (dismissed_at is null or not applied),
  add constraint dismissed_for_a_reason check (num_nonnulls(dismissed_at, dismissal_reason) in (0, 2)),
  add constraint measured_has_time check ((impact_actual is null) = (measured_at is null)),
  drop constraint recommendations_recommendation_type_check,
  add constraint recommendations_recommendation_type_check check (recommendation_type in
    ('config_change', 'scenario_addition', 'tool_optimization', 'performance_tuning', 'evaluation_change'));
create unique index recommendations_fingerprint on public.recommendations (user_id, fingerprint) where fingerprint is not null;
create index recommendations_subject on public.recommendations (user_id, config_id, rule, subject) where config_id is not null;
create index recommendations_of_version on public.recommendations (user_id, config_version_id) where config_version_id is not null;
create index recommendations_restored on public.recommendations (user_id, restores_version_id) where restores_version_id is not null;
create index recommendations_made_version on public.recommendations (user_id, applied_version_id) where applied_version_id is not null;
create index recommendations_made_diff on public.recommendations (user_id, applied_diff_id) where applied_diff_id is not null;
create index recommendations_superseding on public.recommendations (user_id, superseded_by_id) where superseded_by_id is not null;
create index recommendations_measuring on public.recommendations (user_id, measured_simulation_id) where measured_simulation_id is not null;
create index recommendations_created on public.recommendations (user_id, created_at desc, recommendation_id desc);

create policy not_deleted on public.recommendations as restrictive for select to app_user, app_readonly, app_admin
  using (config_id is null or not exists (
    select from public.deletions d where d.user_id = recommendations.user_id and d.config_id = recommendations.config_id));

-- What a recommendation rests on, one link a row. A failure is known by its signature and a tool by its name: neither has a row of its own.
create table public.recommendation_evidence (
  user_id uuid not null default public.current_user_id(),
  evidence_id uuid not null default public.uuid_v7(),
  recommendation_id uuid not null,
  -- Its place among those of the recommendation, from 1.
  place integer not null check (place > 0),
  kind text not null generated always as (
    case when outcome_id is not null then 'outcome' when simulation_id is not null then 'simulation'
      when scenario_id is not null then 'scenario' when config_version_id is not null then 'config_version'
      when config_diff_id is not null then 'config_diff' when signature is not null then 'failure' else 'tool' end) stored,
  -- What it shows, in words.
  summary text not null check (char_length(summary) between 1 and 1000),
  simulation_id uuid,
  outcome_id uuid,
  scenario_id text,
  config_version_id uuid,
  config_diff_id uuid,
  signature text,
  tool_name text check (char_length(tool_name) between 1 and 100),
  primary key (user_id, evidence_id),
  unique (user_id, recommendation_id, place),
  foreign key (user_id, recommendation_id) references public.recommendations on delete cascade,
  foreign key (user_id, simulation_id) references public.simulations on delete cascade,
  foreign key (user_id, outcome_id) references store.outcome_keys on delete cascade,
  foreign key (user_id, scenario_id) references public.scenarios on delete cascade,
  foreign key (user_id, config_version_id) references public.config_versions on delete cascade,
  foreign key (user_id, config_diff_id) references public.config_diffs on delete cascade,
  -- An outcome has its simulation beside it, with which it is deleted.
  constraint links_one_thing check (
    num_nonnulls(simulation_id, scenario_id, config_version_id, config_diff_id, signature, tool_name) = 1
    and (outcome_id is null or simulation_id is not null))
);
create index recommendation_evidence_simulation on public.recommendation_evidence (user_id, simulation_id) where simulation_id is not null;
create index recommendation_evidence_outcome on public.recommendation_evidence (user_id, outcome_id) where outcome_id is not null;
create index recommendation_evidence_scenario on public.recommendation_evidence (user_id, scenario_id) where scenario_id is not null;
create index recommendation_evidence_version on public.recommendation_evidence (user_id, config_version_id) where config_version_id is not null;
create index recommendation_evidence_diff on public.recommendation_evidence (user_id, config_diff_id) where config_diff_id is not null;

-- One for each version whose runs have changed since somebody looked at them: however many simulations complete meanwhile.
create table store.recommendation_marks (
  user_id uuid not null,
  config_version_id uuid not null,
  -- The latest that completed.
  simulation_id uuid not null,
  due_at timestamptz not null default now(),
  attempts integer not null default 0 check (attempts >= 0),
  -- Who looks at the moment, until due_at.
  claim uuid,
  primary key (user_id, config_version_id),
  foreign key (user_id, simulation_id) references public.simulations on delete cascade
) with (fillfactor = 70);
create index recommendation_marks_due on store.recommendation_marks (due_at);
create index recommendation_marks_simulation on store.recommendation_marks (user_id, simulation_id);

do $$
declare
  name text;
begin
  foreach name in array array['public.recommendation_evidence', 'store.recommendation_marks'] loop
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
      'create policy tenant on %s using (user_id = (select public.current_user_id())) with check (user_id = (select public.current_user_id()))',
      name);
  end loop;
end $$;
create policy not_deleted on public.recommendation_evidence as restrictive for select to app_user, app_readonly, app_admin
  using ((simulation_id is null or not exists (select from public.deletions d
      where d.user_id = recommendation_evidence.user_id and d.simulation_id = recommendation_evidence.simulation_id))
    and (scenario_id is null or not exists (select from public.deletions d
      where d.user_id = recommendation_evidence.user_id and d.scenario_id = recommendation_evidence.scenario_id))
    and exists (select from public.recommendations r
      where r.user_id = recommendation_evidence.user_id and r.recommendation_id = recommendation_evidence.recommendation_id));
-- The job looks for what is due at all tenants, and then acts as each of them.
create policy owner_looks on store.recommendation_marks for select to arc_owner using (true);
create policy owner_claims on store.recommendation_marks for update to arc_owner using (true) with check (true);

grant select on public.recommendation_evidence to app_user, app_readonly, app_admin;
grant insert on public.recommendation_evidence to app_user, app_admin;

create function store.mark_for_recommendations() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.recommendation_marks as m (user_id, config_version_id, simulation_id)
    values (new.user_id, new.config_version_id, new.simulation_id)
    on conflict (user_id, config_version_id) do update
      set simulation_id = excluded.simulation_id, due_at = now(), attempts = 0, claim = null;
  return null;
end $$;
create trigger mark_for_recommendations after update of status on public.simulations
  for each row when (new.status = 'completed' and old.status <> 'completed') execute function store.mark_for_recommendations();

/*
Takes up to `most` marks that are due, one of each tenant, for ten minutes: nobody else gets them meanwhile. A mark that was taken five
times and never given back is nobody's any more. For the server itself.
*/
create function public.claim_recommendation_marks(most integer)
  returns table (tenant_id uuid, config_version_id uuid, simulation_id uuid, held uuid)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform store.refuse_tenants();
  return query
    with due as (
      select distinct on (m.user_id) m.user_id, m.config_version_id, m.due_at
      from store.recommendation_marks m where m.due_at <= now() and m.attempts < 5 order by m.user_id, m.due_at
    ), picked as (
      select m.user_id, m.config_version_id
      from store.recommendation_marks m
      join (select d.* from due d order by d.due_at limit most) d on d.user_id = m.user_id and d.config_version_id = m.config_version_id
      where m.due_at <= now()
      for update of m skip locked
    )
    update store.recommendation_marks m
      set claim = gen_random_uuid(), due_at = now() + interval '10 minutes', attempts = m.attempts + 1
      from picked p where m.user_id = p.user_id and m.config_version_id = p.config_version_id
      returning m.user_id, m.config_version_id, m.simulation_id, m.claim;
end $$;

/*
Ends a claim: the mark is gone, or, where it failed, is due again later. A simulation that completed meanwhile has taken the mark over,
which then stays. For the server itself.
*/
create function public.end_recommendation_mark(tenant uuid, version uuid, held uuid, failed boolean) returns void
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
begin
  perform store.refuse_tenants();
  -- Row-level security binds the tables' owner as well.
  perform set_config('app.user_id', tenant::text, true);
  if failed then
    update store.recommendation_marks m set claim = null, due_at = now() + interval '1 minute' * 4 ^ (m.attempts - 1)
      where m.user_id = tenant and m.config_version_id = version and m.claim = held;
  else
    delete from store.recommendation_marks m where m.user_id = tenant and m.config_version_id = version and m.claim = held;
  end if;
  perform set_config('app.user_id', asking, true);
end $$;

insert into store.jobs (name, every) values ('recommend', interval '10 seconds');

revoke execute on function store.mark_for_recommendations(), public.claim_recommendation_marks(integer),
  public.end_recommendation_mark(uuid, uuid, uuid, boolean) from public;
grant execute on function public.claim_recommendation_marks(integer), public.end_recommendation_mark(uuid, uuid, uuid, boolean) to app_user;

call store.pin_settings();
