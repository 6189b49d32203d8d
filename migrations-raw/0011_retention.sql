-- How long outcomes are kept: one row, changed by `arc retention`. Null keeps them for ever.
create table store.settings (
  only_row boolean primary key default true check (only_row),
  retention_days integer check (retention_days between 1 and 36500)
);
insert into store.settings default values;

/* What is older than this may neither come in nor stay; null when everything is kept. */
create function store.retention_start() returns timestamptz
  language sql stable
  return (select now() - make_interval(days => retention_days) from store.settings);

/*
Deletes the outcomes of all tenants that are older than the retention, with tool usage and failure patterns, and
returns how many those were. Simulations, their counters and events stay. Whoever calls it decides nothing: what is too
old was decided by the database's owner. Called by the server at start and daily.
*/
create function public.expire_outcomes() returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  oldest constant timestamptz := store.retention_start();
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  tenant uuid;
  tenants uuid[];
  deleted bigint;
  expired bigint := 0;
begin
  if oldest is null or not pg_try_advisory_xact_lock(hashtext('arc.expire_outcomes')) then
    return 0;
  end if;
  tenants := array(select distinct o.user_id from store.outcomes o where o.execution_time < oldest);
  perform store.drop_outcomes_before(oldest);
  foreach tenant in array tenants loop
    -- Row-level security binds the tables' owner as well. What the partitions left is deleted with the keys.
    perform set_config('app.user_id', tenant::text, true);
    delete from store.outcome_keys k where k.user_id = tenant and k.execution_time < oldest;
    get diagnostics deleted = row_count;
    expired := expired + deleted;
  end loop;
  perform set_config('app.user_id', asking, true);
  return expired;
end $$;
revoke execute on function public.expire_outcomes() from public;
grant execute on function public.expire_outcomes() to app_user;
