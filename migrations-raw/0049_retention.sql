-- Retention counts from when an outcome ended or, where that is later, from when it was recorded: who imports the results of the year
-- before last wants to look at them. So nothing is refused for its time, and what goes is whole days, of which the sums stay.
create or replace function store.retention_start() returns timestamptz
  language sql stable
  return (select store.day_of(now() - make_interval(days => retention_days)) from store.settings);

drop function public.expire_outcomes();
/*
Deletes the outcomes of all tenants that are older than the retention, of one chunk or partition; returns how many those were, null
when there is none left, or another server is at it. Their sums stay; so do simulations, with counters and events. Whoever calls it
decides nothing: what is too old was decided by the database's owner.
*/
create function public.expire_outcomes() returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  oldest constant timestamptz := store.retention_start();
  asking constant text := coalesce(current_setting('app.user_id', true), '');
  unpacking constant text := 'timescaledb.max_tuples_decompressed_per_dml_transaction';
  most constant text := current_setting(unpacking, true);
  part record;
  is_old text;
  tenants uuid[];
  tenant uuid;
  outcome_ids uuid[];
  is_whole boolean;
  name text;
  deleted bigint;
  expired bigint := 0;
begin
  if oldest is null or not pg_try_advisory_xact_lock(hashtext('arc.expire_outcomes')) then
    return null;
  end if;
  for part in select p.first, p.last from store.outcome_parts() p where p.first < oldest order by p.first loop
    is_old := format('o.execution_time >= %L and o.execution_time < %L and o.recorded_at < %L', part.first, least(part.last, oldest), oldest);
    execute format('select array_agg(distinct o.user_id) from store.outcomes o where %s', is_old) into tenants;
    continue when tenants is null;
    -- The sums are those of rows that are there, and of rows that are gone. Nobody sums meanwhile.
    perform pg_advisory_xact_lock(hashtext('arc.refresh_rollups'));
    foreach name in array array['outcome_hours', 'scenario_days', 'metric_days', 'tool_days'] loop
      execute format('insert into store.%I %s', name, store.sums_sql(name, is_old, true));
    end loop;
    execute format('select not exists (select from store.outcomes o where o.execution_time >= %L and o.execution_time < %L and not (%s))',
      part.first, part.last, is_old) into is_whole;
    if is_whole then
      perform store.drop_outcome_part(part.first, part.last);
    end if;
    if most is not null then
      perform set_config(unpacking, '0', true);
    end if;
    foreach tenant in array tenants loop
      -- Row-level security binds the tables' owner as well. All else that they have goes with their keys.
      perform set_config('app.user_id', tenant::text, true);
      if is_whole then
        delete from store.outcome_keys k where k.user_id = tenant and k.execution_time >= part.first and k.execution_time < part.last;
        get diagnostics deleted = row_count;
      else
        execute format('with gone as (delete from store.outcomes o where o.user_id = %L and %s returning outcome_id)
          select array_agg(outcome_id) from gone', tenant, is_old) into outcome_ids;
        delete from store.outcome_keys k where k.user_id = tenant and k.outcome_id = any (outcome_ids);
        deleted := cardinality(outcome_ids);
      end if;
      expired := expired + deleted;
    end loop;
    perform set_config('app.user_id', asking, true);
    if most is not null then
      perform set_config(unpacking, most, true);
    end if;
    perform store.work_off(2147483647, store.hour_of(part.first), part.last);
    return expired;
  end loop;
  return null;
end $$;
revoke execute on function public.expire_outcomes() from public;
grant execute on function public.expire_outcomes() to app_user;

call store.mend('public.ingest_outcomes(jsonb)', $part$
        when i.execution_time < (select store.retention_start()) then 'TIME_BEFORE_RETENTION'$part$, '');
call store.mend('store.with_repetitions(uuid,jsonb)', $part$
  oldest constant timestamptz := coalesce(store.retention_start(), '-infinity');$part$, '');
call store.mend('store.with_repetitions(uuid,jsonb)', $part$
      and (line ->> 'execution_time')::timestamptz between oldest and clock_timestamp() + interval '5 minutes'$part$, $mended$
      and (line ->> 'execution_time')::timestamptz <= clock_timestamp() + interval '5 minutes'$mended$);

-- A new database keeps outcomes for a year; whoever upgrades loses nothing that was kept until now.
update store.settings set retention_days = 365 where not exists (select from store.outcomes);

-- For how long the steps of simulations that have ended are kept, but for the last; and what the audit log tells. Null for ever.
alter table store.settings
  add column event_days integer check (event_days between 1 and 36500),
  add column audit_days integer check (audit_days between 1 and 36500);
create index audit_log_by_time on public.audit_log using brin (timestamp);
-- The job looks at all tenants.
create policy owner_expires on public.audit_log for delete to arc_owner using (true);
create policy owner_looks on public.audit_log for select to arc_owner using (true);
create policy owner_expires on public.simulation_events for delete to arc_owner using (true);
create policy owner_looks on public.simulation_events for select to arc_owner using (true);
create index simulation_events_by_time on public.simulation_events using brin (created_at);

/* Deletes up to `most` entries of each log that are kept no longer; returns how many those were. */
create function public.expire_logs(most integer) returns bigint
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  kept constant store.settings := (select s from store.settings s);
  deleted bigint;
  expired bigint := 0;
begin
  delete from public.audit_log a where a.ctid = any (array(
    select l.ctid from public.audit_log l where l.timestamp < now() - make_interval(days => kept.audit_days) limit most));
  get diagnostics expired = row_count;
  delete from public.simulation_events e where e.ctid = any (array(
    select s.ctid from public.simulation_events s
    where s.created_at < now() - make_interval(days => kept.event_days)
      -- Who follows a simulation that runs may still resume, and its last step tells how it ended.
      and exists (
        select from public.simulation_events l
        where l.user_id = s.user_id and l.simulation_id = s.simulation_id and l.seq > s.seq
          and l.status in ('completed', 'failed', 'cancelled'))
    limit most));
  get diagnostics deleted = row_count;
  return expired + deleted;
end $$;
revoke execute on function public.expire_logs(integer) from public;
grant execute on function public.expire_logs(integer) to app_user;
insert into store.jobs (name, every) values ('expire_logs', interval '1 day');

call store.pin_settings();
