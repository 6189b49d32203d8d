-- Runs that have not ended when their simulation ends will not be made: whoever asks what is left must not find them.
create function store.cancel_open_runs() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  asking constant text := coalesce(current_setting('app.user_id', true), '');
begin
  -- Whoever ends it past the server may act for no tenant.
  perform set_config('app.user_id', new.user_id::text, true);
  update public.simulations_scenarios set status = 'cancelled'
    where user_id = new.user_id and simulation_id = new.simulation_id and status in ('pending', 'running');
  perform set_config('app.user_id', asking, true);
  return null;
end $$;
create trigger cancel_open_runs after update of status on public.simulations
  for each row when (old.status is distinct from new.status and new.status in ('completed', 'failed', 'cancelled'))
  execute function store.cancel_open_runs();

-- Row-level security binds the owner as well.
alter table public.simulations no force row level security;
alter table public.simulations_scenarios no force row level security;
update public.simulations_scenarios run set status = 'cancelled'
  from public.simulations s
  where s.user_id = run.user_id and s.simulation_id = run.simulation_id
    and s.status in ('completed', 'failed', 'cancelled') and run.status in ('pending', 'running');
alter table public.simulations force row level security;
alter table public.simulations_scenarios force row level security;
