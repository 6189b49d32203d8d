-- What a recommendation rests on may be over: the tool was mended, the model got dearer, the runs were deleted. Whoever looks at a version closes
-- what was open and no longer is so, and opens it again where it is so once more.

alter table public.recommendations
  add column obsolete_at timestamptz(3),
  add column obsolete_reason text check (char_length(obsolete_reason) between 1 and 10000),
  drop column state;
alter table public.recommendations
  add column state text not null generated always as (
    case when applied then 'applied' when dismissed_at is not null then 'dismissed'
      when superseded_by_id is not null then 'superseded' when obsolete_at is not null then 'obsolete' else 'open' end) stored,
  add constraint obsolete_for_a_reason check (num_nonnulls(obsolete_at, obsolete_reason) in (0, 2)),
  -- What people decided on stays as they decided, and what they made is theirs.
  add constraint obsolete_undecided check (obsolete_at is null or (not applied and dismissed_at is null and rule is not null));

/* Marks the versions of a configuration by whose recommendations of these rules something else may be said now; all rules where null. */
create function store.mark_recommended_versions(tenant uuid, config uuid, simulation uuid, of_rules text[]) returns void
  language sql set search_path = pg_catalog, pg_temp
  begin atomic
    insert into store.recommendation_marks as m (user_id, config_version_id, simulation_id)
      select distinct r.user_id, r.config_version_id, simulation
      from public.recommendations r
      where r.user_id = tenant and r.config_id = config and r.state in ('open', 'obsolete') and (of_rules is null or r.rule = any (of_rules))
      order by 2
      on conflict (user_id, config_version_id) do update
        set simulation_id = excluded.simulation_id, due_at = now(), attempts = 0, claim = null;
  end;

/* These rules compare versions: runs of one speak for or against what was recommended for another. */
create or replace function store.mark_for_recommendations() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into store.recommendation_marks as m (user_id, config_version_id, simulation_id)
    values (new.user_id, new.config_version_id, new.simulation_id)
    on conflict (user_id, config_version_id) do update
      set simulation_id = excluded.simulation_id, due_at = now(), attempts = 0, claim = null;
  perform store.mark_recommended_versions(new.user_id, v.config_id, new.simulation_id, array['cheaper_model', 'version_rollback'])
    from public.config_versions v where v.user_id = new.user_id and v.version_id = new.config_version_id;
  return null;
end $$;

/* Runs that are deleted, or come back, were evidence. */
create function store.mark_recommendations_of_deletion() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  deletion constant public.deletions := case when tg_op = 'INSERT' then new else old end;
begin
  perform store.mark_recommended_versions(s.user_id, v.config_id, s.simulation_id, null)
    from public.simulations s
    join public.config_versions v on v.user_id = s.user_id and v.version_id = s.config_version_id
    where s.user_id = deletion.user_id and s.simulation_id = deletion.simulation_id and s.status = 'completed';
  return deletion;
end $$;
create trigger mark_recommendations_deleted before insert on public.deletions
  for each row when (new.simulation_id is not null) execute function store.mark_recommendations_of_deletion();
create trigger mark_recommendations_restored after delete on public.deletions
  for each row when (old.simulation_id is not null) execute function store.mark_recommendations_of_deletion();

revoke execute on function store.mark_recommended_versions(uuid, uuid, uuid, text[]), store.mark_recommendations_of_deletion() from public;

call store.pin_settings();
