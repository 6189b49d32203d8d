-- Outcomes go with their simulation by a trigger and not by a foreign key, which was an eighth of what storing them took: it
-- looked each row's simulation up again. ingest_outcomes is the only one that writes keys, and holds the lock of their simulation,
-- for which whoever deletes it waits.
create function store.delete_keys_of_simulations() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  tenant uuid;
begin
  -- Row-level security binds the tables' owner as well, and whoever deletes a simulation may act for no tenant.
  for tenant in select distinct d.user_id from deleted d loop
    perform set_config('app.user_id', tenant::text, true);
    delete from store.outcome_keys k using deleted d
      where k.user_id = tenant and d.user_id = tenant and k.simulation_id = d.simulation_id;
  end loop;
  perform set_config('app.user_id', asking, true);
  return null;
end $$;
create trigger delete_keys after delete on public.simulations
  referencing old table as deleted for each statement execute function store.delete_keys_of_simulations();
alter table store.outcome_keys drop constraint outcome_keys_user_id_simulation_id_fkey;

call store.pin_settings();
