-- Each step looked at all that was due from the start, also at what has to wait: of 10,000 simulations each was sorted 10,000
-- times, behind scenarios whose simulations may still be taken back. Now a run goes through them once.
drop index public.deletions_purge;
create index deletions_purge on public.deletions (kind, purge_at, deletion_id);

drop function public.purge_deleted(integer);
/*
One step of deleting for good what is due, of any tenant: up to `most` outcomes of a simulation, or what is left of it, or a
configuration or scenario that nothing refers to any more; what has to wait is passed over, up to `most` of it. `place`: where
the step before ended, null for the first; null again when all that is due has been looked at. Answers how many rows of
`deletions` and outcomes are gone. Whoever calls it decides nothing: what is due was decided when it was deleted.
*/
create function public.purge_deleted(most integer, inout place jsonb, out purged integer, out outcomes integer)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  -- What the later ones wait for comes before them.
  kinds constant text[] := array['simulation', 'scenario', 'configuration'];
  at_kind integer := coalesce((place ->> 'kind')::integer, 1);
  after_time timestamptz := coalesce((place ->> 'time')::timestamptz, '-infinity');
  after_id uuid := coalesce((place ->> 'id')::uuid, '00000000-0000-0000-0000-000000000000');
  gone public.deletions;
  waits boolean;
begin
  purged := 0;
  outcomes := 0;
  for looked in 1..most loop
    loop
      select d.* into gone from public.deletions d
        where d.kind = kinds[at_kind] and d.purge_at <= now() and (d.purge_at, d.deletion_id) > (after_time, after_id)
        order by d.purge_at, d.deletion_id limit 1;
      exit when found or at_kind = cardinality(kinds);
      at_kind := at_kind + 1;
      after_time := '-infinity';
      after_id := '00000000-0000-0000-0000-000000000000';
    end loop;
    if gone.deletion_id is null then
      place := null;
      exit;
    end if;
    -- What is not done in one step is looked at again.
    place := jsonb_build_object('kind', at_kind, 'time', after_time, 'id', after_id);
    -- Row-level security binds the tables' owner as well.
    perform set_config('app.user_id', gone.user_id::text, true);
    waits := false;
    if gone.simulation_id is not null then
      delete from store.outcome_keys k where k.user_id = gone.user_id and k.outcome_id = any (array(
        select o.outcome_id from store.outcome_keys o
        where o.user_id = gone.user_id and o.simulation_id = gone.simulation_id limit most));
      get diagnostics outcomes = row_count;
      exit when outcomes = most;
    elsif gone.scenario_id is not null then
      -- For a simulation that may still be taken back.
      waits := exists (select from public.simulations_scenarios run
        where run.user_id = gone.user_id and run.scenario_id = gone.scenario_id);
    else
      waits := exists (select from public.deletions d
        where d.user_id = gone.user_id and d.of_config_id = gone.config_id);
    end if;
    after_time := gone.purge_at;
    after_id := gone.deletion_id;
    place := jsonb_build_object('kind', at_kind, 'time', after_time, 'id', after_id);
    continue when waits;
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
revoke execute on function public.purge_deleted(integer, jsonb) from public;
grant execute on function public.purge_deleted(integer, jsonb) to app_user;

call store.pin_settings();
