-- A source that does not say when it is finished may have more after all. Out of an end leads nothing but this function: the
-- trigger takes its word by its owner, whom no login of the server is.
call store.mend('store.check_simulation_step()', $part$
  if old.status in ('completed', 'failed', 'cancelled') or new.status = 'pending' then$part$, $mended$
  if old.status = 'completed' and new.status = 'running' and current_user = 'arc_owner' then
    return new;
  end if;
  if old.status in ('completed', 'failed', 'cancelled') or new.status = 'pending' then$mended$);

/*
Takes up a simulation of the tenant that has completed: what it came to is open again, and so are runs that were not made.
Answers whether it did: not where a caller gave the result, nor where it was failed or cancelled.
*/
create function public.reopen_simulation(simulation uuid) returns boolean
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  tenant constant uuid := public.current_user_id();
begin
  if tenant is null then
    raise insufficient_privilege using message = 'no tenant is set for this transaction';
  end if;
  update public.simulations s set status = 'running', completed_at = null, overall_score = null
    where s.user_id = tenant and s.simulation_id = simulation and s.status = 'completed' and s.result_given = '{}';
  if not found then
    return false;
  end if;
  update public.simulations_scenarios run set status = 'pending'
    where run.user_id = tenant and run.simulation_id = simulation and run.status = 'cancelled' and run.attempts = 0;
  return true;
end $$;
revoke execute on function public.reopen_simulation(uuid) from public;
grant execute on function public.reopen_simulation(uuid) to app_user, app_admin, app_ingest;

call store.pin_settings();
